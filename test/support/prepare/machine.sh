# What no package can give.

check_machine() {
  if [ "$(id -u)" != 0 ]; then
    say 'root is needed: real guests, loop devices, mounts and namespaces are made (and removed again).'
    say 'Run it as root, for example: sudo npm test'
    exit 1
  fi
  if [ "$(uname -m)" != x86_64 ]; then
    say "this machine is $(uname -m); the lab's guests are x86_64. Run it on an x86_64 machine."
    exit 1
  fi
}

check_namespaces() {
  attempt unshare --mount true ||
    fail 'a mount namespace cannot be made.' 'Run it on a machine or virtual machine, or in a container with --privileged.'
  attempt losetup --find ||
    fail 'there is no free loop device.' 'Run `modprobe loop`, or in a container use --privileged, and see `losetup --list`.'
}
