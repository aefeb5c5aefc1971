# Debian packages: name, and what it is for. This is the only list.
PACKAGES='
libvirt-daemon             libvirtd, the hypervisor daemon under test
libvirt-daemon-driver-qemu its QEMU driver
libvirt-clients            virsh, with which the lab drives its libvirt
libvirt-dev                headers for the native addon
libpugixml-dev             the native addon reads domain XML with it
qemu-system-x86            runs the guests
qemu-utils                 qemu-img, for qcow2 images in tests
busybox-static             the user land of the guests
kmod                       finds the modules that the guests load
cpio                       packs what the guests boot
e2fsprogs                  file systems in tests
btrfs-progs                subvolumes in tests
util-linux                 unshare, nsenter, setpriv
mount                      mount and losetup
dmsetup                    device-mapper volumes in tests
zsh                        command line completion in tests
fish                       the same
g++                        compiles the native addon and the agent in the guests
chromium                   looks at the page, as a person would
systemd                    systemd-analyze and its kin judge the unit in tests; no service is started
make                       builds the native addon
pkg-config                 finds libvirt for the native addon
python3                    runs node-gyp
ca-certificates            npm fetches over TLS
'
APT_WAIT_S=600

install_packages() {
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || refuse_system "$missing"
  say 'installing Debian packages (the machine’s own libvirt, if any, is neither started nor used):'
  grep -wFf <(printf '%s\n' $missing) <<<"$PACKAGES" | sed 's/^/  /' >&2
  keep_services_down
  # shellcheck disable=SC2086
  { all_known $missing || update_lists; } && { install_all $missing || { update_lists && install_all $missing; }; } ||
    fail "could not install: ${missing//$'\n'/ }" 'See that apt-get works on this machine (network, mirror, free space), then run it again.'
  let_services_up
}

missing_packages() {
  local wanted
  wanted=$(awk 'NF { print $1 }' <<<"$PACKAGES")
  # shellcheck disable=SC2086
  comm -23 <(sort <<<"$wanted") <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null | awk '$1 == "ii" { print $2 }' | sort -u)
}

refuse_system() {
  say "this is not Debian; install the equivalents of: ${1//$'\n'/ }"
  say 'Or run it on Debian 12.'
  exit 1
}

all_known() {
  local package
  for package; do
    apt-cache policy "$package" 2>>"$LOG" | grep -q 'Candidate: [^(]' || return 1
  done
}

update_lists() {
  say 'fetching the lists of Debian packages'
  apt_patiently update
}

install_all() {
  apt_patiently install --yes --no-install-recommends "$@"
}

# Another apt may hold the lock (a machine updates itself after its start): wait for it.
apt_patiently() {
  local end=$((SECONDS + APT_WAIT_S)) from
  while :; do
    from=$(wc -c <"$LOG")
    DEBIAN_FRONTEND=noninteractive attempt apt-get --quiet -o DPkg::Lock::Timeout=$APT_WAIT_S "$@" && return 0
    tail -c +"$from" "$LOG" | grep -qE 'Could not get lock|Unable to (lock|acquire)' && [ $SECONDS -lt $end ] || return 1
    say 'another apt is at work; waiting for it'
    sleep 5
  done
}

# No package may start a service of its own: the usual policy, for the time of the installation, unless there is one.
POLICY=/usr/sbin/policy-rc.d
keep_services_down() {
  [ ! -e $POLICY ] || return 0
  printf '#!/bin/sh\nexit 101\n' >$POLICY
  chmod 755 $POLICY
  trap let_services_up EXIT
}
let_services_up() {
  [ -z "$(trap -p EXIT)" ] || rm -f $POLICY
  trap - EXIT
}
