import type { Running } from './steps.ts'

/** What a person can type next. */
export const goOn = ({ host, guest, daemon }: Running): string => `Go on:
  export HOTPLUGD_SOCKET=${daemon.socket}
  alias hotplugctl="$PWD/node_modules/.bin/node $PWD/out/src/cli/main.js"
  hotplugctl get volumes ${guest.name}
  hotplugctl explain ${guest.name} archive
  truncate -s 16M ${daemon.directories.base}/missing.img    # and archive is plugged by itself
  curl --unix-socket $HOTPLUGD_SOCKET http://localhost/readyz?verbose
  virsh -c '${host.uri}' list
  tail -f ${daemon.directories.base}/hotplugd.log
End it:
  kill ${process.pid}`

export const SAMPLES = `Go on:
  npm run quickstart -- --keep     the same, and guest and daemon stay for play
  npm test                         everything, against real guests
  README.md                        hotplugd on a libvirt host of yours`
