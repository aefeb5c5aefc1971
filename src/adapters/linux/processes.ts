import type { ProcessRef } from '../../model/domain.ts'
import type { SourceIdentity } from '../../model/source.ts'
import type { Processes } from '../../ports/host.ts'
import { addon } from './binding.ts'
import { failed } from './system-failure.ts'

/**
 * QEMU processes, through /proc. Both acts throw HotplugError `SourceUnreadable` with the errno where /proc does not
 * let the agent look: "not seen" is never answered as "not open".
 *
 * @param proc where procfs is mounted.
 */
export function createProcesses(proc = '/proc'): Processes {
  return {
    alive: ({ pid, startTime }) => seen(pid, addon.isProcessAlive(proc, pid, startTime)),
    holdsOpen: (process, identity) => seen(process.pid, holdsOpen(proc, process, identity)),
  }
}

function holdsOpen(proc: string, { pid, startTime }: ProcessRef, identity: SourceIdentity): Promise<boolean> {
  if (identity.kind === 'block') return addon.processHoldsOpen(proc, pid, startTime, true, identity.device, '0')
  return addon.processHoldsOpen(proc, pid, startTime, false, identity.filesystem, identity.inode)
}

function seen(pid: number, act: Promise<boolean>): Promise<boolean> {
  return act.catch((error: unknown) => {
    throw failed('SourceUnreadable', `see what process ${pid} has open`, error)
  })
}
