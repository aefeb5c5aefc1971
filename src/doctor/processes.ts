import { readdirSync, readlinkSync } from 'node:fs'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import { openFilesOf } from './open-files.ts'
import type { Surroundings } from './surroundings.ts'

/** The initial process namespace has this number in every kernel. */
const INITIAL = 'pid:[4026531836]'

/** Are the processes of others to be seen, and what they have open? */
export function lookAtProcesses({ config }: Surroundings): readonly Finding[] {
  return [lookAtOthers(), ...(config.mode === 'kubernetes' ? lookAtNamespace() : [])]
}

function lookAtOthers(): Finding {
  const others = readdirSync('/proc').map(Number).filter((pid) => pid > 0 && pid !== process.pid && pid !== process.ppid)
  const looks = others.map(openOrWhyNot)
  const open = looks.filter((look) => typeof look === 'number').length
  if (open > 0) return ok('processes', `/proc shows ${others.length} processes of others, and of ${open} what they have open`)
  const why = looks.find((look) => typeof look === 'string') ?? 'none is shown'
  return failed('processes', `/proc shows ${others.length} processes of others, and of none what it has open: ${why}`, 'Run as root with CAP_SYS_PTRACE, with /proc mounted without hidepid (in a unit: no ProtectProc=invisible without that capability).')
}

/** Null: there is nothing to be seen, as of a process of the kernel or one that has just ended. */
function openOrWhyNot(pid: number): number | string | null {
  try {
    return openFilesOf(pid)
  } catch (thrown) {
    const isEmpty = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
    return isEmpty ? null : wordsOf(thrown)
  }
}

function lookAtNamespace(): readonly Finding[] {
  const own = readlinkSync('/proc/self/ns/pid')
  if (own === INITIAL) return [ok('host-pid', "these are the node's own processes")]
  return [warning('host-pid', `the process namespace is ${own}, not that of the machine itself`, "In a pod: set hostPID: true, or launchers' processes are not found. Where the node itself runs in a container, this is as it should be.")]
}
