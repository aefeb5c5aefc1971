import type { KubeObject } from './kube-object.ts'

/** A part of a structural schema. */
type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})
const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more })
const mapOf = (additionalProperties: Schema): Schema => ({ type: 'object', additionalProperties })

const quantity: Schema = { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }

const claimInfo = object({
  accessModes: list(text),
  capacity: mapOf(quantity),
  claimName: text,
  filesystemOverhead: text,
  preallocated: { type: 'boolean' },
  requests: mapOf(quantity),
  volumeMode: text,
})

/** As in KubeVirt's CRD: atomic, `name` and `target` required, unknown fields pruned. */
const volumeStatus = list(
  object(
    {
      name: text,
      target: text,
      phase: text,
      reason: text,
      message: text,
      size: { type: 'integer', format: 'int64' },
      hotplugVolume: object({ attachPodName: text, attachPodUID: text }),
      persistentVolumeClaimInfo: claimInfo,
      memoryDumpVolume: open,
      containerDiskVolume: open,
    },
    ['name', 'target'],
  ),
  { 'x-kubernetes-list-type': 'atomic' },
)

/** Fields of which only the presence matters here. */
const keep = (...names: readonly string[]): Record<string, Schema> =>
  Object.fromEntries(names.map((name) => [name, { 'x-kubernetes-preserve-unknown-fields': true }]))

const flag: Schema = { type: 'boolean' }
const integer: Schema = { type: 'integer' }
const MOST = { maxItems: 256 }

const disk = object(
  {
    name: text,
    ...keep('disk', 'lun', 'cdrom', 'blockSize'),
    ...{ serial: text, cache: text, io: text, errorPolicy: text, tag: text },
    ...{ shareable: flag, dedicatedIOThread: flag, bootOrder: integer },
  },
  ['name'],
)

const claimSource = (name: string): Schema => object({ [name]: text, hotpluggable: flag, readOnly: flag }, [name])

const volume = object(
  {
    name: text,
    persistentVolumeClaim: claimSource('claimName'),
    dataVolume: claimSource('name'),
    ...keep('containerDisk', 'cloudInitNoCloud', 'emptyDisk', 'ephemeral', 'hostDisk', 'memoryDump', 'serviceAccount', 'secret', 'configMap'),
  },
  ['name'],
)

const domain = object(
  {
    devices: object({ disks: list(disk, MOST), autoattachPodInterface: flag, ...keep('interfaces') }),
    ...keep('cpu', 'features', 'firmware', 'machine', 'memory', 'resources', 'clock'),
  },
  ['devices'],
)

const vmiSpec = object(
  {
    domain,
    volumes: list(volume, MOST),
    ...{ architecture: text, evictionStrategy: text, terminationGracePeriodSeconds: integer },
    ...keep('nodeSelector', 'affinity'),
  },
  ['domain'],
)

const vmiStatus = object({
  phase: text,
  nodeName: text,
  reason: text,
  activePods: mapOf(text),
  conditions: list(open),
  migrationState: open,
  volumeStatus,
  qosClass: text,
  runtimeUser: { type: 'integer' },
  selinuxContext: text,
  ...keep('currentCPUTopology', 'guestOSInfo', 'interfaces', 'machine', 'memory', 'phaseTransitionTimestamps', 'migratedVolumes'),
  launcherContainerImageVersion: text,
  migrationMethod: text,
  migrationTransport: text,
})

interface Kind {
  readonly kind: string
  readonly shortNames: readonly string[]
  readonly statusSubresource: boolean
  readonly spec: Schema
  readonly status: Schema
}

const crd = ({ kind, shortNames, statusSubresource, spec, status }: Kind): KubeObject => {
  const plural = `${kind.toLowerCase()}s`
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.kubevirt.io` },
    spec: {
      group: 'kubevirt.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames, categories: ['all'] },
      scope: 'Namespaced',
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          ...(statusSubresource && { subresources: { status: {} } }),
          schema: { openAPIV3Schema: object({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec, status }, ['spec']) },
        },
      ],
    },
  }
}

/** CRDs of our own making with KubeVirt's group, names and fields. KubeVirt's VMI has no status subresource. */
export const kubeVirtCrds = (vmiStatusSubresource = false): KubeObject[] => [
  crd({ kind: 'VirtualMachineInstance', shortNames: ['vmi', 'vmis'], statusSubresource: vmiStatusSubresource, spec: vmiSpec, status: vmiStatus }),
  crd({ kind: 'VirtualMachine', shortNames: ['vm', 'vms'], statusSubresource: true, spec: open, status: open }),
  crd({ kind: 'KubeVirt', shortNames: ['kv', 'kvs'], statusSubresource: true, spec: open, status: open }),
]
