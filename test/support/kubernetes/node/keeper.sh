#!/usr/bin/env bash
# Keeps namespaces alive for a node of the lab, and takes away everything that it made.
#
# keeper.sh DIRECTORY CGROUP UNSHARE-OPTION… -- INIT…: INIT is the node's PID 1. Says `ready PID`, and then waits for the end
# of its standard input: that comes when its owner closes it and also when its owner dies, however. Then PID 1 is killed,
# and with it go all processes, mounts and network devices of the node; loop devices, cgroups and files are removed here.
set -uo pipefail
trap '' INT TERM HUP
directory=$1 cgroup=$2
shift 2
options=()
while [ "$1" != -- ]; do options+=("$1") && shift; done
shift

# Every hierarchy of a machine with version 1, the only one of a machine with version 2.
hierarchies=(/sys/fs/cgroup)
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || hierarchies=($(compgen -G '/sys/fs/cgroup/*/cgroup.procs' | xargs -n1 dirname))

make_cgroups() {
  local hierarchy file name
  # Version 2 hands controllers down only where they are asked for.
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || for name in $(</sys/fs/cgroup/cgroup.controllers); do
    echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control || true
  done
  for hierarchy in "${hierarchies[@]}"; do
    mkdir "$hierarchy/$cgroup" || return
    [ ! -e "$hierarchy/cpuset.cpus" ] || for file in cpuset.cpus cpuset.mems; do cat "$hierarchy/$file" >"$hierarchy/$cgroup/$file"; done
    [ ! -e "$hierarchy/$cgroup/cgroup.clone_children" ] || echo 1 >"$hierarchy/$cgroup/cgroup.clone_children"
  done
}

# A process that joined one of the cgroups from outside is not among those of the node's PID 1.
end_joined() {
  local procs
  procs=$(find "${left[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u)
  [ -z "$procs" ] || kill -KILL $procs 2>/dev/null
}

remove_cgroups() {
  local attempt left
  for attempt in {1..250}; do
    left=()
    for hierarchy in "${hierarchies[@]}"; do [ ! -d "$hierarchy/$cgroup" ] || left+=("$hierarchy/$cgroup"); done
    [ ${#left[@]} -gt 0 ] || return 0
    end_joined
    find "${left[@]}" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.02
  done
  echo "keeper: cgroups remain after $attempt attempts: ${left[*]}" >&2
  return 1
}

# Those over files of its directory, and the one over a volume's device with which a kubelet holds it, made at a path that
# only the node has. Before the node's mounts are gone: afterwards nothing tells whose they were.
remove_loop_devices() {
  local file behind
  for file in /sys/block/loop*/loop/backing_file; do
    behind=$(cat "$file" 2>/dev/null) || continue
    [[ $behind != "$directory"/* && ! -b /proc/$init/root$behind ]] || losetup --detach "/dev/$(cut -d/ -f4 <<<"$file")"
  done
}

# A namespace that is gone takes its network devices along, but a moment later.
remove_link() {
  [ ! -s "$directory/link" ] || ip link delete "$(<"$directory/link")" 2>/dev/null
}

make_cgroups || { remove_cgroups; exit 1; }
exec 3< <(exec unshare "${options[@]}" --pid --fork --kill-child=KILL --propagation private "$@")
owner=$!
word=
read -r word <&3
read -r init _ <"/proc/$owner/task/$owner/children"
status=0
[ "$word" = ready ] && echo "ready $init" || status=1
[ $status -ne 0 ] || while read -r _; do :; done
if [ -n "${init:-}" ]; then
  remove_loop_devices || status=1
  kill -KILL "$init" 2>/dev/null
fi
tail --pid="$owner" -s 0.02 -f /dev/null
remove_link
remove_cgroups || status=1
rm -rf --one-file-system "$directory" || status=1
exit $status
