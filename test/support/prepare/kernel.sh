# The guests' kernel. It is unpacked beside the lab's other slow things and not installed: an installed one could become
# the kernel that this machine itself boots next time.
KERNEL_PACKAGE=linux-image-cloud-amd64

fetch_kernel() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/hotplugd-lab/kernel
  compgen -G "$cache/boot/vmlinuz-*" >/dev/null && return 0
  compgen -G '/boot/vmlinuz-*-cloud-amd64' >/dev/null && compgen -G '/lib/modules/*-cloud-amd64/modules.dep' >/dev/null && return 0
  say "fetching $KERNEL_PACKAGE for the guests (unpacked into $cache, not installed)"
  { [ -n "$(kernel_version)" ] || update_lists; } && { unpack_kernel "$cache" || { update_lists && unpack_kernel "$cache"; }; } ||
    fail "could not fetch $KERNEL_PACKAGE" 'See that `apt-get download` works on this machine, then run it again.'
}

kernel_version() {
  apt-cache depends $KERNEL_PACKAGE 2>>"$LOG" | awk '/Depends: linux-image-/ { print $2; exit }'
}

# Aside first, so that a fetch cut off is never taken for a kernel.
unpack_kernel() {
  local cache=$1 package aside
  package=$(kernel_version)
  [ -n "$package" ] || return 1
  mkdir -p "${cache%/*}"
  aside=$(mktemp -d "${cache%/*}/.kernel-XXXXXX")
  (cd "$aside" && attempt apt-get --quiet -o APT::Sandbox::User=root download "$package") &&
    attempt dpkg-deb --extract "$aside"/*.deb "$aside/tree" &&
    attempt depmod --basedir "$aside/tree" "${package#linux-image-}" &&
    mv -T "$aside/tree" "$cache"
  local result=$?
  rm -rf "$aside"
  return $result
}
