# What the project itself needs built. Each step is skipped when what it was made from has not changed since.

# hash_of FILE…: one word for their names and contents
hash_of() { sha256sum "$@" | sha256sum | cut -c1-32; }

install_node_modules() {
  local stamp=node_modules/.hotplugd-prepared now
  command -v npm >/dev/null || fail 'npm is not installed.' 'Install Node.js 20 or newer with npm (https://nodejs.org), then run it again.'
  now=$(hash_of package-lock.json)
  if [ "$(cat $stamp 2>/dev/null)" != "$now" ]; then
    say 'installing npm packages (Node 24, TypeScript, tap, …)'
    attempt npm ci || fail 'npm ci failed.' 'See that npm reaches its registry, then run it again.'
    echo "$now" >$stamp
  fi
  hash -r # node is another one now
  [ "$(command -v node)" = "$PWD/node_modules/.bin/node" ] || attempt npm rebuild node
  attempt node_modules/.bin/node --version ||
    fail 'the npm package "node" has no program.' 'Let npm run its install script (npm config get ignore-scripts must be false), then run it again.'
}

build_native() {
  local stamp=native/build/.hotplugd-prepared now
  now=$(hash_of native/binding.gyp $(find native -path native/build -prune -o -type f \( -name '*.cc' -o -name '*.cpp' -o -name '*.h' \) -print | sort) package-lock.json /usr/include/libvirt/libvirt-common.h)
  [ "$(cat $stamp 2>/dev/null)" != "$now" ] || return 0
  say 'compiling the native addons'
  attempt npm run build:native || fail 'the native addons did not compile.' 'See out/prepare.log for the compiler’s words.'
  echo "$now" >$stamp
}

build_typescript() {
  remove_orphans
  attempt npm run build:ts || fail 'TypeScript found errors.' 'Mend them, then run it again.'
}

# What a deleted source once became would still be run as a test.
remove_orphans() {
  local file
  while read -r file; do
    [ -e "${file#out/}" ] || [ -e "${file:4:-3}.ts" ] || rm -f "$file" "$file.map"
  done < <(find out/src out/test -name '*.js' 2>/dev/null)
}
