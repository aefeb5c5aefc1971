#!/usr/bin/env bash
# Puts hotplugd on a Debian host, and takes it off again. Run from a built tree (npm ci && npm run build), as root:
#   systemd/install.sh install          installs, enables and starts the service; again: the same as upgrade
#   systemd/install.sh upgrade          replaces the programs, keeps configuration and state, restarts the service
#   systemd/install.sh remove [--purge] takes the programs off; --purge: configuration and state too
#   … --prefix DIR                      into DIR instead of /, touching no service (for packages and tests)
# What is plugged stays plugged, whatever is done here.
set -euo pipefail
umask 022

SOURCE=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
UNIT=/usr/local/lib/systemd/system/hotplugd.service
SYSUSERS=/usr/local/lib/sysusers.d/hotplugd.conf
TMPFILES=/usr/local/lib/tmpfiles.d/hotplugd.conf
HOME_DIR=/opt/hotplugd
CONFIG_DIR=/etc/hotplugd
STATE_DIRS='/var/lib/hotplugd /run/hotplugd'
COMMANDS='hotplugd hotplugctl'
PREFIX='' PURGE=''

say() { echo "install.sh: $*" >&2; }
fail() { say "$1"; say "$2"; exit 1; }
usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 2; }

main() {
  local verb=${1:-}
  [ $# -eq 0 ] || shift
  parse "$@"
  case $verb in
    install | upgrade | remove) "do_$verb" ;;
    *) usage ;;
  esac
  exit # the file that bash reads from may be gone by now
}

do_install() {
  put_files
  start_service
}

do_upgrade() {
  [ -L "$PREFIX$HOME_DIR/current" ] || fail "hotplugd is not installed below ${PREFIX:-/}." 'Say install instead of upgrade.'
  put_files
  restart_service
}

do_remove() {
  stop_service
  remove_files
  [ -z "$PURGE" ] || purge
}

put_files() {
  check_source
  copy_release
  place_files
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix) PREFIX=$(readlink -m "${2:?--prefix needs a directory}") && shift ;;
      --purge) PURGE=yes ;;
      *) usage ;;
    esac
    shift
  done
  [ "$PREFIX" != / ] || PREFIX=''
  [ -n "$PREFIX" ] || [ "$(id -u)" = 0 ] || fail 'this changes the host and needs root.' "Run: sudo $0 …"
}

# shellcheck source=programs.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/programs.sh"
# shellcheck source=service.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/service.sh"

main "$@"
