import { vmRef, type VmKey } from '../../model/ids.ts'
import type { SourceSpec } from '../../model/source.ts'
import type { VmState, VmStatus, VolumeStatus } from '../../model/status.ts'
import { volumeObject, type VolumeObject } from './volume-object.ts'

/** A VM in KubeVirt's shape, with what hotplugd knows beyond it in each entry of `status.volumeStatus[]`. */
export interface VmiObject {
  readonly kind: 'VirtualMachineInstance'
  readonly apiVersion: 'kubevirt.io/v1'
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid?: string }
  readonly spec: VmiSpec
  readonly status: {
    readonly phase: 'Running' | 'Pending' | 'Unknown'
    /** The state in the words that people use: Running, Paused, Stopped, Saved, NotFound, Unknown. */
    readonly printableStatus: VmState
    readonly conditions: readonly VmiCondition[]
    /** Sorted by name, one entry per disk, hot-plugged or not. */
    readonly volumeStatus: readonly VolumeObject[]
  }
}

export interface VmiSpec {
  readonly volumes: readonly ({ readonly name: string } & VolumeSource)[]
  readonly domain: { readonly devices: { readonly disks: readonly object[] } }
}

type VolumeSource =
  | { readonly local: { readonly path: string; readonly format: string } }
  | { readonly persistentVolumeClaim: { readonly claimName: string; readonly hotpluggable: true } }

export interface VmiCondition {
  readonly type: 'Paused' | 'Synchronized'
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export interface VmiListObject {
  readonly kind: 'VirtualMachineInstanceList'
  readonly apiVersion: 'kubevirt.io/v1'
  readonly metadata: Readonly<Record<string, never>>
  readonly items: readonly VmiObject[]
}

/** KubeVirt's phases of an instance: one that exists and does not run yet is pending. */
const PHASES = { Running: 'Running', Paused: 'Running', Stopped: 'Pending', Saved: 'Pending', NotFound: 'Pending', Unknown: 'Unknown' } as const

/** The status of a VM as a VirtualMachineInstance. */
export function vmiObject(status: VmStatus): VmiObject {
  const { namespace, name } = vmRef(status.vm)
  return {
    kind: 'VirtualMachineInstance',
    apiVersion: 'kubevirt.io/v1',
    metadata: { name, namespace, ...(status.uid === null ? {} : { uid: status.uid }) },
    spec: specOf(status.volumes),
    status: {
      phase: PHASES[status.state],
      printableStatus: status.state,
      conditions: conditionsOf(status),
      volumeStatus: status.volumes.map(volumeObject).sort((a, b) => (a.name < b.name ? -1 : 1)),
    },
  }
}

export function vmiList(statuses: readonly VmStatus[]): VmiListObject {
  return { kind: 'VirtualMachineInstanceList', apiVersion: 'kubevirt.io/v1', metadata: {}, items: statuses.map(vmiObject) }
}

/** What is left to say of a VM that is gone. */
export function vmiTombstone(vm: VmKey): VmiObject {
  return vmiObject({ vm, uid: null, state: 'NotFound', volumes: [], problems: [] })
}

/** Only what is wanted: a volume on its way out is in the status alone. */
function specOf(volumes: readonly VolumeStatus[]): VmiSpec {
  const wanted = volumes.flatMap(({ name, wish }) => (wish === undefined ? [] : [{ name, ...wish }]))
  return {
    volumes: wanted.map(({ name, source }) => ({ name, ...volumeSource(source) })),
    domain: { devices: { disks: wanted.map(({ name, disk: { readonly, ...rest } }) => ({ name, disk: { bus: 'scsi', readonly }, ...rest })) } },
  }
}

function volumeSource(source: SourceSpec): VolumeSource {
  if (source.kind === 'claim') return { persistentVolumeClaim: { claimName: source.claim, hotpluggable: true } }
  return { local: { path: source.path, format: source.format } }
}

function conditionsOf({ state, problems }: VmStatus): readonly VmiCondition[] {
  const paused = state === 'Paused' ? [{ type: 'Paused', status: 'True', reason: 'Paused', message: 'the domain is paused' } as const] : []
  const [first] = problems
  if (first === undefined) return paused
  return [...paused, { type: 'Synchronized', status: 'False', reason: first.reason, message: problems.map(problem => problem.message).join('; ') }]
}
