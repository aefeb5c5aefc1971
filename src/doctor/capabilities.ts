import { readFileSync } from 'node:fs'
import type { Mode } from '../config/config.ts'
import { failed, ok, type Finding } from './finding.ts'
import type { RunningDaemon, Surroundings } from './surroundings.ts'

/** A capability by its number in the kernel, with what it is for. One that includes it will do as well. */
interface Capability {
  readonly name: string
  readonly bit: number
  readonly purpose: string
  readonly orBit?: number
}

const [DAC_OVERRIDE, DAC_READ_SEARCH] = [1, 2]
const CHOWN = { name: 'CAP_CHOWN', bit: 0 }
const PTRACE = { name: 'CAP_SYS_PTRACE', bit: 19 }

const NEEDED: Readonly<Record<Mode, readonly Capability[]>> = {
  standalone: [
    { ...CHOWN, purpose: 'gives the socket to its group' },
    { name: 'CAP_DAC_READ_SEARCH', bit: DAC_READ_SEARCH, orBit: DAC_OVERRIDE, purpose: "reads images, devices and processes of QEMU's user" },
    { ...PTRACE, purpose: 'sees what a QEMU has open, the proof of every plug and unplug' },
  ],
  kubernetes: [
    { ...CHOWN, purpose: "gives a device node or image to QEMU's user" },
    { name: 'CAP_DAC_OVERRIDE', bit: DAC_OVERRIDE, purpose: 'reaches the libvirt of a launcher that is not root' },
    { name: 'CAP_SYS_CHROOT', bit: 18, purpose: 'enters mount namespaces' },
    { ...PTRACE, purpose: 'finds the way into launchers, and sees what a QEMU has open' },
    { name: 'CAP_SYS_ADMIN', bit: 21, purpose: 'mounts inside launchers, sets device rules' },
    { name: 'CAP_MKNOD', bit: 27, purpose: 'makes device nodes inside launchers' },
  ],
}

/** Of the daemon where it runs, else of this process. */
export function lookAtCapabilities({ config, daemon }: Surroundings): readonly Finding[] {
  const { whose, mask } = effective(daemon)
  const missing = NEEDED[config.mode].filter(({ bit, orBit }) => !has(mask, bit) && (orBit === undefined || !has(mask, orBit)))
  const names = NEEDED[config.mode].map(({ name }) => name).join(', ')
  if (missing.length === 0) return [ok('capabilities', `${whose} has ${names}`)]
  const remedy = config.mode === 'standalone'
    ? 'Run hotplugd as root; in its unit, name the capability in CapabilityBoundingSet= (systemd/hotplugd.service has all of them).'
    : 'Give the container the capability in securityContext.capabilities.add (the Helm chart has all of them).'
  return missing.map(({ name, purpose }) => failed('capabilities', `${whose} lacks ${name}, which ${purpose}`, remedy))
}

function effective(daemon: RunningDaemon | null): { readonly whose: string; readonly mask: bigint } {
  const ofDaemon = daemon === null || daemon.pid === 0 ? null : maskOf(daemon.pid)
  if (ofDaemon !== null) return { whose: `hotplugd (process ${daemon?.pid})`, mask: ofDaemon }
  return { whose: 'this process', mask: maskOf('self') ?? 0n }
}

function maskOf(pid: number | 'self'): bigint | null {
  try {
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return digits === undefined ? null : BigInt(`0x${digits}`)
  } catch {
    return null
  }
}

function has(mask: bigint, bit: number): boolean {
  return ((mask >> BigInt(bit)) & 1n) === 1n
}
