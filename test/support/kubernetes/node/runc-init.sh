#!/usr/bin/env bash
# PID 1 of a node that has only runc. runc-init.sh CGROUPS: `v1` leaves the machine's cgroups as they are, `v2` shows its
# second version alone, so that runc takes the node for a modern one.
set -euo pipefail
mount --make-rshared /
mount -t proc proc /proc
[ "$1" != v2 ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=0755 hotplugd-node /run
echo ready
sleep infinity & # bash reaps what loses its parent
wait
