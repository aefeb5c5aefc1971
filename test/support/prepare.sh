#!/usr/bin/env bash
# Makes a fresh clone ready: Debian packages, npm packages, native addon, TypeScript. Called first by `npm test`,
# `npm run quickstart` and `npm run bench`; does only what is missing, and nothing takes a second or two. With `--kubernetes`
# (the tests and the bench of that mode need it; `--without-image` as well: all but the image that is shipped) also a Kubernetes and what its node runs on.
# What it does is said on stderr, one line each; what the tools say is in out/prepare.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
LOG=$PWD/out/prepare.log

say() { echo "prepare: $*" >&2; }

# fail WHAT REMEDY: what the last command said tells why
fail() {
  say "$1"
  awk '/^\$ / { said = "" } { said = said $0 "\n" } END { printf "%s", said }' "$LOG" | tail -n 15 | sed 's/^/  | /' >&2
  say "$2"
  exit 1
}

# attempt COMMAND…: its output goes to the log
attempt() {
  echo "\$ $*" >>"$LOG"
  "$@" >>"$LOG" 2>&1 </dev/null
}

here=test/support/prepare
# shellcheck source-path=SCRIPTDIR
source $here/machine.sh
# shellcheck source-path=SCRIPTDIR
source $here/packages.sh
# shellcheck source-path=SCRIPTDIR
source $here/kernel.sh
# shellcheck source-path=SCRIPTDIR
source $here/build.sh
# shellcheck source-path=SCRIPTDIR
source $here/kubernetes.sh

check_machine
mkdir -p out
: >"$LOG"
[ "${1-}" != --kubernetes ] || PACKAGES+=$KUBERNETES_PACKAGES
install_packages
fetch_kernel
check_namespaces
install_node_modules
build_native
build_typescript
[ "${1-}" != --kubernetes ] || build_kubernetes "${2-}"
