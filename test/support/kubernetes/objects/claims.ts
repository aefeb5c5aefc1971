import type { KubeObject } from './kube-object.ts'
import type { VolumeMode } from './vmi.ts'

export interface ClaimShape {
  readonly name: string
  /** @default 'default' */
  readonly namespace?: string
  /** @default 'Block' */
  readonly mode?: VolumeMode
  /** @default '64Mi' */
  readonly size?: string
  /** The volume it is bound to. @default `pv-${name}` */
  readonly volumeName?: string
  /** @default ['ReadWriteOnce'] */
  readonly accessModes?: readonly string[]
}

/** A claim that says that it is bound. */
export const claim = ({ name, namespace = 'default', mode = 'Block', size = '64Mi', volumeName = `pv-${name}` }: ClaimShape): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], volumeMode: mode, resources: { requests: { storage: size } }, volumeName, storageClassName: '' },
  status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: size } },
})

/** The local volume behind such a claim. @param path of the device, or of the mounted file system, as the node has it */
export const localVolume = ({ name, namespace = 'default', mode = 'Block', size = '64Mi', volumeName = `pv-${name}` }: ClaimShape, path: string, node = 'node1'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: volumeName },
  spec: {
    capacity: { storage: size },
    accessModes: ['ReadWriteOnce'],
    volumeMode: mode,
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: '',
    claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name },
    local: { path },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } },
  },
})

/** What a VMI's status says of a claim. */
export const claimInfo = ({ name, mode = 'Block', size = '64Mi', accessModes = ['ReadWriteOnce'] }: ClaimShape): Readonly<Record<string, unknown>> => ({
  accessModes,
  capacity: { storage: size },
  claimName: name,
  filesystemOverhead: '0.055',
  requests: { storage: size },
  volumeMode: mode,
})
