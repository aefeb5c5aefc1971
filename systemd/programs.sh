# The programs: each release is a directory of its own, and `current` leads to the one in use. A release that runs is never
# changed, and one that was copied by half is never current.

NODE=node_modules/node/bin/node

check_source() {
  local part
  for part in out/src/main.js out/src/cli/main.js out/src/page/index.html native/build/Release/hotplugd_linux.node native/build/Release/hotplugd_libvirt.node $NODE package-lock.json; do
    [ -e "$SOURCE/$part" ] || fail "$SOURCE is not a built tree: $part is missing." 'In the source tree run: npm ci && npm run build'
  done
}

# What package-lock.json does not mark as needed for development only.
production_packages() {
  "$SOURCE/$NODE" -p 'Object.entries(require(process.argv[1]).packages)
    .filter(([path, { dev, devOptional, optional }]) => path !== "" && !dev && !devOptional && !optional).map(([path]) => path).join("\n")' "$SOURCE/package-lock.json"
}

copy_release() {
  local releases=$PREFIX$HOME_DIR/releases staged
  mkdir -p "$releases"
  rm -rf "$releases"/.staged-*
  staged=$(mktemp -d "$releases/.staged-XXXXXX")
  trap "rm -rf '$staged'" EXIT # now: it is gone from the function's end on
  copy_tree "$staged"
  prove "$staged"
  sync -f "$staged"
  switch_to "$staged" "$releases/$("$staged/bin/node" -p 'require(process.argv[1]).version' "$staged/package.json")-$(date -u +%Y%m%dT%H%M%S)-$$"
  trap - EXIT
}

copy_tree() {
  local package
  chmod 755 "$1"
  mkdir -p "$1/bin" "$1/out" "$1/native/build/Release" "$1/cache"
  cp "$SOURCE/$NODE" "$1/bin/node"
  cp "$SOURCE"/native/build/Release/*.node "$1/native/build/Release/"
  cp -R "$SOURCE/out/src" "$1/out/"
  cp -R "$SOURCE/package.json" "$SOURCE/CHANGELOG.md" "$SOURCE/docs" "$SOURCE/systemd" "$1/"
  production_packages >"$1/.packages"
  while read -r package; do
    mkdir -p "$1/$(dirname "$package")"
    cp -R "$SOURCE/$package" "$1/$(dirname "$package")/"
  done <"$1/.packages"
  rm "$1/.packages"
  write_command "$1/bin/hotplugd" out/src/main.js
  write_command "$1/bin/hotplugctl" out/src/cli/main.js
  chmod -R u=rwX,go=rX "$1"
  [ "$(id -u)" != 0 ] || chown -R -h root:root "$1"
}

# With its own Node, wherever the release lies. The cache of compiled code is the release's own: Node's default below /tmp
# can be prepared by any user of the host, and root would run what lies there.
write_command() {
  cat >"$1" <<COMMAND
#!/bin/sh
root=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
NODE_COMPILE_CACHE=\$root/cache exec "\$root/bin/node" "\$root/$2" "\$@"
COMMAND
  chmod 755 "$1"
}

# It starts, with both native addons, before anything leads to it.
prove() {
  "$1/bin/hotplugd" --version >/dev/null && "$1/bin/hotplugctl" --help >/dev/null ||
    fail 'the programs do not run on this host.' 'Install their libraries: apt-get install libvirt0 libpugixml1v5; or build the tree on this host.'
}

switch_to() {
  PREVIOUS=$(readlink "$PREFIX$HOME_DIR/current" || true)
  mv -T "$1" "$2"
  lead_to "releases/${2##*/}"
}

# In one step: there is always a current release.
lead_to() {
  ln -sfn "$1" "$PREFIX$HOME_DIR/.next"
  mv -T "$PREFIX$HOME_DIR/.next" "$PREFIX$HOME_DIR/current"
}

# Only once nobody runs the old ones any more.
drop_other_releases() {
  local kept release
  kept=$(basename "$(readlink "$PREFIX$HOME_DIR/current")")
  for release in "$PREFIX$HOME_DIR"/releases/*; do
    [ "${release##*/}" = "$kept" ] || rm -rf "$release"
  done
}

place_files() {
  local command
  install -D -m 644 "$SOURCE/systemd/hotplugd.service" "$PREFIX$UNIT"
  install -D -m 644 "$SOURCE/systemd/sysusers.conf" "$PREFIX$SYSUSERS"
  install -D -m 644 "$SOURCE/systemd/tmpfiles.conf" "$PREFIX$TMPFILES"
  install -d -m 755 "$PREFIX$CONFIG_DIR" "$PREFIX$CONFIG_DIR/vms.d" "$PREFIX/usr/local/bin"
  [ -e "$PREFIX$CONFIG_DIR/config.yaml" ] || install -m 644 "$SOURCE/systemd/config.yaml" "$PREFIX$CONFIG_DIR/config.yaml"
  for command in $COMMANDS; do ln -sfn "../../..$HOME_DIR/current/bin/$command" "$PREFIX/usr/local/bin/$command"; done
}

remove_files() {
  local command
  for command in $COMMANDS; do
    case $(readlink "$PREFIX/usr/local/bin/$command" || true) in
      *"$HOME_DIR/current/bin/$command") rm "$PREFIX/usr/local/bin/$command" ;;
    esac
  done
  rm -rf "$PREFIX$HOME_DIR"
  rm -f "$PREFIX$UNIT" "$PREFIX$SYSUSERS" "$PREFIX$TMPFILES"
  reload_units
}

purge() {
  local directory
  for directory in $CONFIG_DIR $STATE_DIRS; do rm -rf "$PREFIX$directory"; done
}
