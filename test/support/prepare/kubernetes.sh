# A real Kubernetes and a real helm: no registry has them ready, so they are built from their Go modules, once. And the image that is
# shipped, anew whenever what it is made from has changed.
KUBERNETES_PACKAGES='
etcd-server                keeps the objects of the tests’ API servers
containerd                 runs the pods of the tests’ node
runc                       makes their containers
containernetworking-plugins connects them
iproute2                   connects the node to this machine
prometheus                 promtool judges the alerts; no server is started
buildah                    builds the image that is shipped
mmdebstrap                 makes its base
python3-venv               fetches Go where this machine has none
'

# build_kubernetes [--without-image]
# Where they cannot be had the other tests run all the same, and run-tests.ts says what it left out. Not in CI.
build_kubernetes() {
  rm -f out/no-kubernetes
  echo '$ building Kubernetes' >>"$LOG"
  node out/test/support/kubernetes/prepare.js "$@" >>"$LOG" && return
  if [ -z "${CI:-}" ]; then
    say 'KUBERNETES OR THE IMAGE COULD NOT BE BUILT (out/prepare.log tells why): the tests that need them are left out.'
    : >out/no-kubernetes
    return
  fi
  fail 'Kubernetes, or the image, could not be built.' 'See that Go modules (and PyPI, without Go 1.26 on this machine), Debian and npm packages can be fetched and that 2 GB of memory and 4 GB of disk are free, then run it again.'
}
