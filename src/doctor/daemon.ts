import { VERSION } from '../version.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Does it run, is it of this version, and what does it wait for? */
export function lookAtDaemon({ daemon, silence }: Surroundings): readonly Finding[] {
  if (daemon === null) return [warning('daemon', silence, 'Start hotplugd (systemctl start hotplugd), or name its socket with --socket.')]
  const { pid, version, blocking, warnings } = daemon
  const runs = version === VERSION ? ok('daemon', `hotplugd ${version} runs as process ${pid}`) : warning('daemon', `hotplugd ${version} runs as process ${pid}, and this is hotplugctl ${VERSION}`, 'Restart hotplugd after an upgrade: nothing is unplugged by that.')
  return [
    runs,
    ...blocking.map((trouble) => failed('readiness', trouble, 'Mend what is named; hotplugd goes on by itself then.')),
    ...warnings.map((trouble) => warning('readiness', trouble, 'Mend what is named; hotplugctl get vmis and explain say more.')),
  ]
}
