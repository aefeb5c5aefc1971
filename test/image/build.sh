#!/usr/bin/env bash
# Builds the project's own Containerfile without a registry and without a container runtime. Called by build.ts.
#   build.sh base DIR              DIR/base.tar: a Debian from packages, with the authorities in DIR/authorities
#   build.sh build DIR BASE IMAGE  DIR/image.tar: a docker archive of the image, on BASE/base.tar
set -euo pipefail

# What buildah keeps while it builds, gone with the script. /proc and the like are mounted below it in a mount namespace.
STORE=$(mktemp -d "${TMPDIR:-/var/tmp}/hotplugd-image-XXXXXX")
trap 'rm -rf "$STORE"' EXIT

b() { TMPDIR=$STORE buildah --storage-driver vfs --root "$STORE/root" --runroot "$STORE/run" "$@"; }

base() {
  mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --customize-hook="cp -R '$1/authorities/.' \"\$1/usr/local/share/ca-certificates\"" \
    --customize-hook='chroot "$1" update-ca-certificates' bookworm "$1/base.tar"
}

# The base gets the name that FROM uses.
build() {
  mkdir "$STORE/context"
  ln "$2/base.tar" "$STORE/context/" 2>/dev/null || cp "$2/base.tar" "$STORE/context/"
  printf 'FROM scratch\nADD base.tar /\n' | b bud --quiet --isolation chroot --tag "$(sed -n 's/^FROM \([^ ]*\) AS build$/\1/p' Containerfile)" --file - "$STORE/context"
  b bud --isolation chroot --pull-never --squash --tag "$3" --file Containerfile . >&2
  b push --quiet "$3" "docker-archive:$1/image.tar:$3"
}

"$@"
