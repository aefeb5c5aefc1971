#!/usr/bin/env bash
# Keeps a mount namespace of its own alive for a private libvirtd and its guests, and ends everything in it.
#
# Started as `unshare --mount --propagation slave keeper.sh CACHE`, CACHE being the lab's. It hides the host's libvirt behind empty directories, says
# `ready`, and then waits for the end of its standard input: that comes when its owner closes it and also when its owner
# dies, however. Then every process of the namespace is killed (a QEMU made by libvirtd has left its process tree, but
# not the namespace), and the namespace goes with the last of them.
set -euo pipefail
trap '' INT TERM HUP

hide() {
  mkdir -p "$1"
  mount -t tmpfs -o mode=0755 hotplugd-lab "$1"
}

# Debian's libvirt wants this user to exist, and only the package that sets up the host's own libvirt makes it.
know_qemu_user() {
  grep -q '^libvirt-qemu:' /etc/passwd && return
  { cat /etc/passwd && echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin'; } >/run/lab/passwd
  { cat /etc/group && echo 'libvirt-qemu:x:64055:'; } >/run/lab/group
  mount --bind /run/lab/passwd /etc/passwd
  mount --bind /run/lab/group /etc/group
}

# Without KVM every machine behaves alike. Read-only, because libvirt asks whether root may write there and would take
# its cached knowledge of QEMU for stale if QEMU then says that it has no KVM.
hide_kvm() {
  [ -e /dev/kvm ] || return 0
  : >/run/lab/no-kvm
  mount --bind /run/lab/no-kvm /dev/kvm
  mount -o remount,bind,ro /dev/kvm
}

# libvirtd loads every driver it finds, and the network one would touch the host's bridges. Bound and not copied, because
# its age tells libvirt whether what it knows of QEMU is stale.
only_qemu_driver() {
  local driver
  for driver in /usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so /usr/lib64/libvirt/connection-driver/libvirt_driver_qemu.so; do
    [ -e "$driver" ] || continue
    mkdir -p /run/lab/driver
    : >"/run/lab/driver/${driver##*/}"
    mount --bind "$driver" "/run/lab/driver/${driver##*/}"
    mount --rbind /run/lab/driver "$(dirname "$driver")"
  done
}

# Fills `pids` with every process of this namespace but this one and the find that looks for them.
find_others() {
  local entry pid
  pids=()
  while read -r entry; do
    pid=${entry//[^0-9]/}
    [ "$pid" = "$$" ] || [ "$pid" = "$!" ] || pids+=("$pid")
  done < <(exec find /proc/[0-9]*/ns/mnt -maxdepth 0 -lname "mnt:\\[${namespace//[^0-9]/}\\]" -printf '%H\n' 2>/dev/null)
}

end_everything() {
  local attempt
  for attempt in {1..500}; do
    find_others
    [ ${#pids[@]} -gt 0 ] || return 0
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.02
  done
  echo "keeper: still there after $attempt attempts: ${pids[*]}" >&2
  return 1
}

namespace=$(readlink /proc/self/ns/mnt)
hide /run
mkdir -p /run/lab/cache /run/libvirt
mount --bind "$1" /run/lab/cache
for directory in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do hide "$directory"; done
know_qemu_user
hide_kvm
only_qemu_driver
echo ready
while read -r _; do :; done
end_everything
