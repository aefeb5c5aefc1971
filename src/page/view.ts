import { formatSize } from '../cli/table.ts'
import type { VmiObject } from '../http/objects/vmi-object.ts'
import type { VolumeObject } from '../http/objects/volume-object.ts'
import { laneOf, type Lane } from './lane.ts'
import { causeWords, sinceOf, standingOf, standingWords, type Standing } from './volume-words.ts'

/** One hot-plugged volume as it is shown. */
export interface VolumeView {
  /** `namespace/vm/volume`, as the history has it. */
  readonly key: string
  readonly namespace: string
  readonly vm: string
  readonly name: string
  readonly standing: Standing
  readonly words: string
  readonly since: string | null
  readonly reason: string
  readonly cause: string
  readonly remedy: string
  readonly lane: Lane
  /** Which disk of the guest it is, in a few words: target, serial, size. */
  readonly disk: string
  /** What is known of it beside that: name and value. */
  readonly facts: readonly (readonly [string, string])[]
}

/** One VM as it is shown. */
export interface VmView {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly state: string
  /** Trouble of the VM as a whole. */
  readonly problems: readonly { readonly reason: string; readonly message: string }[]
  readonly volumes: readonly VolumeView[]
  /** Its own disks, by name and target. */
  readonly ordinary: readonly string[]
}

export type Counts = Readonly<Record<'stuck' | 'moving' | 'waiting' | 'ready', number>>

/** All that is shown of the VMs. */
export interface View {
  /** Of all volumes, whatever the filter. */
  readonly counts: Counts
  /** What needs a person, the newest trouble first. */
  readonly stuck: readonly VolumeView[]
  /** What is on its way, or has just arrived. */
  readonly moving: readonly VolumeView[]
  /** By name: where one was found it stays. */
  readonly vms: readonly VmView[]
  /** VMs that the filter leaves out. */
  readonly hidden: number
}

/** How long it is told that a volume has arrived. */
const ARRIVED_MS = 30_000

/** What is to be shown. Pure. */
export function viewOf(vmis: readonly VmiObject[], filter: string, nowMs: number): View {
  const all = vmis.map(vmi => vmView(vmi, nowMs))
  const vms = all.flatMap(vm => filtered(vm, filter.trim().toLowerCase()))
  const volumes = vms.flatMap(vm => vm.volumes).sort(newestFirst)
  return {
    counts: countsOf(all), hidden: all.length - vms.length, vms: vms.sort(byKey),
    stuck: volumes.filter(({ standing }) => standing === 'stuck'), moving: volumes.filter(volume => isMoving(volume, nowMs)),
  }
}

function vmView({ metadata: { namespace, name }, spec, status }: VmiObject, nowMs: number): VmView {
  const claims = new Set(spec.volumes.filter(volume => 'persistentVolumeClaim' in volume).map(volume => volume.name))
  const views = status.volumeStatus.map(volume => volumeView({ namespace, name }, volume, { isClaim: claims.has(volume.name), nowMs }))
  const ordinary = status.volumeStatus.filter(volume => volume.hotplugVolume === undefined)
  return {
    key: `${namespace}/${name}`, namespace, name, state: status.printableStatus,
    problems: status.conditions.filter(({ type }) => type === 'Synchronized').map(({ reason, message }) => ({ reason, message })),
    volumes: views.filter(({ standing }) => standing !== 'ordinary'),
    ordinary: ordinary.map(volume => (volume.name === volume.target || volume.target === '' ? volume.name : `${volume.name} (${volume.target})`)),
  }
}

function volumeView(vm: { readonly namespace: string; readonly name: string }, volume: VolumeObject, how: { readonly isClaim: boolean; readonly nowMs: number }): VolumeView {
  const standing = standingOf(volume, how.nowMs)
  return {
    key: `${vm.namespace}/${vm.name}/${volume.name}`, namespace: vm.namespace, vm: vm.name, name: volume.name, standing,
    words: standingWords(volume, standing), since: sinceOf(volume), reason: volume.reason ?? '',
    cause: causeWords(volume, standing), remedy: standing === 'ready' ? '' : (volume.remedy ?? ''),
    lane: laneOf(volume, standing, how.isClaim), disk: [volume.target, volume.serial, formatSize(volume.size)].filter(Boolean).join(' · '), facts: factsOf(volume),
  }
}

function factsOf(volume: VolumeObject): VolumeView['facts'] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['target', volume.target], ['serial', volume.serial], ['size', formatSize(volume.size)], ['source', volume.source],
    ['asked for by', volume.origin], ['persisted', volume.persisted === true ? 'yes' : undefined],
  ]
  return facts.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value] as const]))
}

/** A VM of which something fits, with the volumes that fit, or all of them if its own name does. */
function filtered(vm: VmView, filter: string): readonly VmView[] {
  if (fits(filter, [vm.key, vm.state])) return [vm]
  const volumes = vm.volumes.filter(volume => fits(filter, [volume.name, volume.reason, volume.words, ...volume.facts.map(([, value]) => value)]))
  return volumes.length === 0 ? [] : [{ ...vm, volumes }]
}

/** Whether one of the texts holds the filter, which is in small letters. */
export function fits(filter: string, texts: readonly string[]): boolean {
  return texts.some(text => text.toLowerCase().includes(filter))
}

/** What was plugged before hotplugd's start has no times, and has not just arrived. */
function isMoving({ standing, since, lane }: VolumeView, nowMs: number): boolean {
  if (standing !== 'ready') return standing === 'moving'
  return nowMs - Date.parse(since ?? '') < ARRIVED_MS && lane.steps.some(({ durationMs }) => durationMs !== null)
}

function countsOf(vms: readonly VmView[]): Counts {
  const counts = { stuck: 0, moving: 0, waiting: 0, ready: 0 }
  for (const { standing } of vms.flatMap(({ volumes }) => volumes)) if (standing !== 'ordinary') counts[standing]++
  return counts
}

function newestFirst(a: VolumeView, b: VolumeView): number {
  return a.since === b.since ? byKey(a, b) : (a.since ?? '') < (b.since ?? '') ? 1 : -1
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
