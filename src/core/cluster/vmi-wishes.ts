import type { DesiredProblem, DesiredVolume, Impediment, LeavingVolume } from '../../model/desired.ts'
import { type VmKey, vmKey } from '../../model/ids.ts'
import type { PodFacts } from './pod-facts.ts'
import type { Vmi, VmiVolume } from './vmi.ts'
import { missingAttachment } from './vmi-blocks.ts'
import { type VmiDisk, withoutDisk } from './vmi-disk.ts'
import type { VmiEntry } from './vmi-entry.ts'
import { attachmentsFor } from './vmi-pods.ts'
import { checkVolumeName } from '../disk/volume-name.ts'

/** Everything that the wishes of one VMI rest on. */
export interface WishFacts {
  readonly vmi: Vmi
  readonly node: string
  /** Proven. */
  readonly launcher: PodFacts | null
  /** Pods of this node, to find attachment pods among. */
  readonly pods: Iterable<PodFacts>
  /** Why nothing new may be plugged at all; null: the feature gate is on. */
  readonly gate: Impediment | null
  /** Why it is not certain that all this is so at present: it cannot be read. */
  readonly unseen?: Impediment | null
  /** Wishes as they were before, for what an entry that is missing for a while does not tell. */
  readonly before?: readonly DesiredVolume[]
}

/** What one VMI wants of this node. */
export interface VmiWishes {
  readonly vm: VmKey
  readonly volumes: readonly DesiredVolume[]
  /** Hot-plugged volumes that the spec has no more, and the status still has. */
  readonly leaving: readonly LeavingVolume[]
  /** Why nothing at all may be changed in it. */
  readonly held: Impediment | null
  /** Part of it was not understood: what is absent is not unwanted. */
  readonly doubt: Impediment | null
  readonly problems: readonly DesiredProblem[]
}

/** The hot-plugged volumes that a VMI wants, each with what it still waits for. Pure. */
export function wishesOf(facts: WishFacts): VmiWishes {
  const { vmi } = facts
  const vm = vmKey(vmi)
  const volumes = distinct(vmi.volumes).filter((volume) => isHotplugged(volume, facts))
  return {
    vm,
    volumes: volumes.map((volume) => wish(vm, volume, facts)),
    leaving: vmi.entries.filter((entry) => isLeaving(entry, vmi)).map((entry) => leaving(vm, entry)),
    held: heldBack(facts),
    doubt: vmi.faults.length === 0 ? null : { reason: 'VmiInvalid', cause: `the VirtualMachineInstance has this volume no more, as far as it is understood: ${vmi.faults.join('; ')}` },
    problems: vmi.faults.map((fault) => ({ vm, volume: null, reason: 'VmiInvalid', message: `VirtualMachineInstance ${vm}: ${fault}` })),
  }
}

/** Of two volumes of one name the first holds, as in the API server's own validation. */
function distinct(volumes: readonly VmiVolume[]): VmiVolume[] {
  return [...new Map([...volumes].reverse().map((volume) => [volume.name, volume])).values()].reverse()
}

/**
 * Plug and unplug must agree on this, so one thing decides: `hotplugVolume` in the entry. As long as there is no entry, it
 * is what the spec says, or that the launcher was started without the volume.
 */
export function isHotplugged(volume: VmiVolume, { vmi, launcher }: Pick<WishFacts, 'vmi' | 'launcher'>): boolean {
  const entry = entryOf(vmi, volume.name)
  if (entry !== null) return entry.hotplug !== null
  return volume.hotpluggable || (launcher !== null && !launcher.volumes.has(volume.name))
}

/** The entry outlives the spec: it goes when the agent has said that nothing of the volume is left. */
function isLeaving({ name, hotplug }: VmiEntry, vmi: Vmi): boolean {
  return hotplug !== null && !vmi.volumeNames.has(name)
}

function leaving(vm: VmKey, { name, claim }: VmiEntry): LeavingVolume {
  return { vm, name, source: { kind: 'claim', vm, volume: name, claim, format: 'raw' }, origin: { kind: 'vmi' } }
}

function entryOf(vmi: Vmi, name: string): VmiEntry | null {
  return vmi.entries.find((entry) => entry.name === name) ?? null
}

function wish(vm: VmKey, volume: VmiVolume, facts: WishFacts): DesiredVolume {
  const { name, claim } = volume
  const disk = facts.vmi.disks.get(name) ?? withoutDisk(name)
  const blocked = blockedBy(volume, disk, facts)
  const unheld = unheldBy(volume, facts)
  return {
    vm,
    name,
    source: { kind: 'claim', vm, volume: name, claim, format: 'raw' },
    disk: { ...disk.spec, readonly: disk.spec.readonly || isReadOnlyClaim(name, facts) },
    persist: false,
    origin: { kind: 'vmi' },
    token: facts.vmi.uid,
    vmUid: null,
    ...fill(entryOf(facts.vmi, name)),
    ...(blocked && { blocked }),
    ...(unheld && { unheld }),
  }
}

function fill(entry: VmiEntry | null): Pick<DesiredVolume, 'fillBytes'> {
  return entry === null || entry.imageBytes === 0 ? {} : { fillBytes: entry.imageBytes }
}

/** A pod that is being deleted holds nothing; one that leaves the mount of an exposed image out does. */
function unheldBy(volume: VmiVolume, facts: WishFacts): Impediment | null {
  const { hasLauncher, pods } = attachments(volume, facts)
  if (!hasLauncher || pods.some(({ terminating }) => !terminating)) return null
  return { reason: 'SourceNotHeld', cause: `no attachment pod holds claim ${volume.claim} of volume ${volume.name}` }
}

/** A disk in use must not become another one because its entry is missing: what was known of its claim still holds. */
function isReadOnlyClaim(name: string, { vmi, before = [] }: WishFacts): boolean {
  const modes = entryOf(vmi, name)?.accessModes ?? []
  if (modes.length > 0) return modes.every((mode) => mode === 'ReadOnlyMany')
  return before.some((volume) => volume.name === name && volume.token === vmi.uid && volume.disk.readonly)
}

/** What a person has to mend comes first, then what is only a matter of time. */
function blockedBy(volume: VmiVolume, disk: VmiDisk, facts: WishFacts): Impediment | null {
  const { vmi, gate } = facts
  const name = checkVolumeName(volume.name)
  if (name !== null) return { reason: name.reason, cause: name.message }
  if (disk.refusal !== null) return disk.refusal
  return asLastSeen(gate ?? notRunning(vmi) ?? missingAttachment({ volume: volume.name, claim: volume.claim, entry: entryOf(vmi, volume.name), ...attachments(volume, facts) }), facts)
}

function notRunning({ phase }: Vmi): Impediment | null {
  return phase === 'Running' ? null : { reason: 'VmiNotRunning', cause: `the VirtualMachineInstance is ${phase || 'not started yet'}` }
}

/** What is waited for may have come long ago: what stops the volume then is that nobody can see it. */
function asLastSeen(missing: Impediment | null, { unseen = null }: WishFacts): Impediment | null {
  return missing === null || unseen === null ? missing : { reason: unseen.reason, cause: `${unseen.cause}; when it was read last, ${missing.cause}` }
}

function attachments({ name }: VmiVolume, { vmi, launcher, pods }: WishFacts): { readonly hasLauncher: boolean; readonly pods: readonly PodFacts[] } {
  return { hasLauncher: launcher !== null, pods: launcher === null ? [] : attachmentsFor(pods, launcher, { vmi, volume: name }) }
}

function heldBack({ vmi, node }: WishFacts): Impediment | null {
  if (vmi.migrating) return { reason: 'MigrationUnderWay', cause: 'a migration of the VM is not finished' }
  const isElsewhere = vmi.nodeName !== '' && vmi.nodeName !== node
  return isElsewhere ? { reason: 'VmiElsewhere', cause: `the VM is on node ${vmi.nodeName}` } : null
}
