#!/usr/bin/env bash
# PID 1 of a node with a kubelet. cluster-init.sh CGROUP DIRECTORY KUBELET-DIRECTORY: DIRECTORY/kubelet appears at
# KUBELET-DIRECTORY; /run, /var/lib and /var/log are the node's own, everything else is as on the machine. The node's cgroup
# is the root of all cgroups that it can see.
set -euo pipefail
cgroup=$1 directory=$2 kubelet_directory=$3

only_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

enter_cgroups() {
  local procs
  if only_v2; then echo 0 >"/sys/fs/cgroup/$cgroup/cgroup.procs"; return; fi
  for procs in /sys/fs/cgroup/*/"$cgroup"/cgroup.procs; do echo 0 >"$procs"; done
}

mount_cgroups() {
  local names name
  if only_v2; then
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir /sys/fs/cgroup/init # no process may be where controllers are handed on
    echo 0 >/sys/fs/cgroup/init/cgroup.procs
    for name in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control; done
    return
  fi
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=0755 hotplugd-node /sys/fs/cgroup
  while IFS=: read -r _ names _; do
    name=${names#name=}
    name=${name:-unified}
    mkdir "/sys/fs/cgroup/$name"
    case $names in
      '') mount -t cgroup2 cgroup2 "/sys/fs/cgroup/$name" ;;
      name=*) mount -t cgroup -o "none,$names" cgroup "/sys/fs/cgroup/$name" ;;
      *) mount -t cgroup -o "$names" cgroup "/sys/fs/cgroup/$name" ;;
    esac
  done </proc/self/cgroup
}

own_directory() { mount -t tmpfs -o mode=0755 hotplugd-node "$1"; }

if [ -z "${INSIDE_CGROUP-}" ]; then
  enter_cgroups
  INSIDE_CGROUP=1 exec unshare --cgroup bash "$0" "$@"
fi
unset INSIDE_CGROUP
mount --make-rshared /
mount -t proc proc /proc
mount_cgroups
for path in /run /var/lib /var/log; do own_directory $path; done
mkdir -p "$kubelet_directory" "$directory/kubelet" /run/lock /var/lib/containerd /var/log/pods
mount --bind "$directory/kubelet" "$kubelet_directory"
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo ready
sleep infinity & # bash reaps what loses its parent
wait
