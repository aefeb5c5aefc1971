import type { KubeObject, ObjectMeta } from './kube-object.ts'

export type VolumeMode = 'Block' | 'Filesystem'

/** A volume of a VMI's spec, with its disk. */
export interface VmiVolume {
  readonly name: string
  /** The claim, or with `dataVolume` the DataVolume. @default the volume's name */
  readonly claim?: string
  /** @default false */
  readonly dataVolume?: boolean
  /** @default true */
  readonly hotpluggable?: boolean
  /** More fields of the disk: serial, cache, lun, …; the bus is scsi unless it says otherwise. */
  readonly disk?: Readonly<Record<string, unknown>>
}

/** A volume and the claim that it stands for. */
export interface VmiVolumeSource {
  readonly name: string
  readonly claim: string
}

/** An entry of `status.volumeStatus`. */
export interface VolumeStatusEntry {
  readonly name: string
  readonly target: string
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
  readonly hotplugVolume?: { readonly attachPodName?: string; readonly attachPodUID?: string }
  readonly persistentVolumeClaimInfo?: Readonly<Record<string, unknown>>
}

export interface Vmi extends KubeObject {
  readonly metadata: ObjectMeta & { readonly namespace: string }
  readonly spec: { readonly volumes: readonly object[]; readonly domain: { readonly devices: { readonly disks: readonly object[] } } }
  readonly status?: VmiStatus
}

interface VmiStatus {
  readonly phase: string
  readonly nodeName: string
  readonly volumeStatus: readonly VolumeStatusEntry[]
  readonly [field: string]: unknown
}

export interface VmiShape {
  /** @default 'vmi1' */
  readonly name?: string
  /** @default 'default' */
  readonly namespace?: string
  /** @default 'node1' */
  readonly node?: string
  /** @default [] */
  readonly volumes?: readonly VmiVolume[]
  /** Beside or instead of what a running one has. */
  readonly status?: Readonly<Record<string, unknown>>
  readonly labels?: Readonly<Record<string, string>>
}

/** A running VMI whose hot-plugged volumes have no status yet. */
export const vmi = (shape: VmiShape = {}): Vmi => {
  const { name = 'vmi1', namespace = 'default', node = 'node1', volumes = [] } = shape
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name, namespace, labels: { 'kubevirt.io/nodeName': node, ...shape.labels } },
    spec: {
      ...{ architecture: 'amd64', evictionStrategy: 'None', terminationGracePeriodSeconds: 0 },
      domain: { devices: { disks: volumes.map(vmiDisk) }, machine: { type: 'q35' }, memory: { guest: '128Mi' } },
      volumes: volumes.map(vmiVolume),
    } as Vmi['spec'],
    status: { phase: 'Running', nodeName: node, activePods: {}, qosClass: 'Burstable', runtimeUser: 107, selinuxContext: 'none', volumeStatus: [], ...shape.status },
  }
}

/** The volume as `spec.volumes` has it. */
export const vmiVolume = ({ name, claim = name, dataVolume = false, hotpluggable = true }: VmiVolume): object => {
  const flag = hotpluggable ? { hotpluggable } : {}
  return dataVolume ? { name, dataVolume: { name: claim, ...flag } } : { name, persistentVolumeClaim: { claimName: claim, ...flag } }
}

/** Its disk as `spec.domain.devices.disks` has it. */
export const vmiDisk = ({ name, disk = {} }: VmiVolume): object => ({
  name,
  ...(!('lun' in disk) && !('cdrom' in disk) && { disk: { bus: 'scsi' } }),
  ...disk,
})
