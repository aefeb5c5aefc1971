#!/usr/bin/env bash
# npm run bench: only in Kubernetes mode a Kubernetes is made ready, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
prepare=()
case " $* " in
*" --mode kubernetes "* | *" --mode=kubernetes "*) prepare=(--kubernetes --without-image) ;;
esac
bash test/support/prepare.sh ${prepare[@]+"${prepare[@]}"}
exec node out/test/bench/main.js "$@"
