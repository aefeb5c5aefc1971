#!/bin/bash
# PID 1 of a launcher pod: a libvirt of its own, with what an earlier one learned about QEMU. libvirtd must not be PID 1:
# it does not reap what loses its parent.
set -eu
trap 'exit 0' TERM INT

home=/etc
if [ "$(id -u)" != 0 ]; then # as KubeVirt starts it without root: a session daemon with its socket at the usual place
  export XDG_RUNTIME_DIR=/var/run XDG_CONFIG_HOME=/var/run/kubevirt-private XDG_CACHE_HOME=/var/run/kubevirt-private HOME=/var/run/kubevirt-private
  home=$XDG_CONFIG_HOME
  mkdir -p "$home/libvirt"
  cp /etc/libvirt/*.conf "$home/libvirt/"
  sed -i -E '/^(user|group) = /d' "$home/libvirt/qemu.conf"
  cache=$XDG_CACHE_HOME/libvirt/qemu
else
  cache=/var/cache/libvirt/qemu
fi
mkdir -p "$cache" /var/run/libvirt
cp -a --no-preserve=ownership /run/lab/learned/. "$cache/"
cat >>"$home/libvirt/libvirtd.conf" <<EOF
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
EOF
[ -z "${VIRTQEMUD_SOCKET-}" ] || ln -sfn libvirt-sock /var/run/libvirt/virtqemud-sock
/usr/sbin/libvirtd --config "$home/libvirt/libvirtd.conf" &
wait
