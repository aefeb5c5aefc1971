import { randomBytes } from 'node:crypto'
import { controlledBy, type KubeObject, type Made } from './kube-object.ts'
import type { VolumeMode } from './vmi.ts'

/** A pod of one container. */
export interface Pod extends KubeObject {
  readonly spec: { readonly nodeName?: string; readonly [field: string]: unknown }
}

export interface PodOptions {
  /** @default one like the controller's, with five random signs */
  readonly name?: string
  /** @default 'node1' */
  readonly node?: string
  /** As if a kubelet had started it. False where one does. @default true */
  readonly running?: boolean
  /** @default 'none' */
  readonly image?: string
  readonly command?: readonly string[]
}

/** A hot-plugged volume as its attachment pod has it. */
export interface AttachedClaim {
  readonly volume: string
  /** The claim as the server has it: its UID is part of the device's path. */
  readonly claim: Made
  readonly mode: VolumeMode
  /** False in a replacement where the volume's file system was exposed before: the kubelet then does not mount it at all. @default true */
  readonly mounted?: boolean
}

const suffix = (): string => randomBytes(3).toString('hex').slice(0, 5)

/** The pod that runs a VMI, as virt-controller makes it. */
export const launcherPod = (vmi: Made, options: PodOptions = {}): Pod => {
  const { name, namespace = 'default', uid } = vmi.metadata
  const node = options.node ?? 'node1'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: options.name ?? `virt-launcher-${name}-${suffix()}`,
      namespace,
      labels: { 'kubevirt.io': 'virt-launcher', 'kubevirt.io/created-by': uid, 'kubevirt.io/nodeName': node, 'vm.kubevirt.io/name': name },
      annotations: { 'kubevirt.io/domain': name },
      ownerReferences: [controlledBy(vmi)],
    },
    spec: {
      nodeName: node,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 30,
      volumes: ['private', 'public', 'sockets', 'libvirt-runtime', 'hotplug-disks'].map((name) => ({ name, emptyDir: {} })),
      containers: [{ name: 'compute', ...program(options), volumeMounts: LAUNCHER_MOUNTS }],
    },
    ...status(options, 'compute'),
  }
}

const program = ({ image = 'none', command }: PodOptions): object => ({ image, imagePullPolicy: 'Never', ...(command && { command }) })

const LAUNCHER_MOUNTS = [
  { name: 'private', mountPath: '/var/run/kubevirt-private' },
  { name: 'public', mountPath: '/var/run/kubevirt' },
  { name: 'libvirt-runtime', mountPath: '/var/run/libvirt' },
  { name: 'sockets', mountPath: '/var/run/kubevirt/sockets' },
  { name: 'hotplug-disks', mountPath: '/var/run/kubevirt/hotplug-disks', mountPropagation: 'HostToContainer' },
]

/** The pod that brings all hot-plugged claims of a VMI to the launcher's node. */
export const attachmentPod = (launcher: Made, claims: readonly AttachedClaim[], options: PodOptions = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: options.name ?? `hp-volume-${suffix()}`,
    namespace: launcher.metadata.namespace ?? 'default',
    labels: { 'kubevirt.io': 'hotplug-disk' },
    ownerReferences: [controlledBy(launcher)],
  },
  spec: {
    nodeName: options.node ?? 'node1',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    volumes: [
      { name: 'hotplug-disks', emptyDir: {} },
      ...claims.map(({ volume, claim }) => ({ name: volume, persistentVolumeClaim: { claimName: claim.metadata.name } })),
    ],
    containers: [attachmentContainer(claims, options)],
  },
  ...status(options, 'hotplug-disk'),
})

const attachmentContainer = (claims: readonly AttachedClaim[], options: PodOptions): object => ({
  name: 'hotplug-disk',
  ...program(options),
  resources: { limits: { cpu: '100m', memory: '80M' }, requests: { cpu: '10m', memory: '2M' } },
  securityContext: { capabilities: { drop: ['ALL'] }, runAsUser: 107, runAsNonRoot: true, allowPrivilegeEscalation: false },
  volumeMounts: [
    { name: 'hotplug-disks', mountPath: '/path', mountPropagation: 'HostToContainer' },
    ...claims.filter(({ mode, mounted = true }) => mode === 'Filesystem' && mounted).map(({ volume }) => ({ name: volume, mountPath: `/${volume}` })),
  ],
  volumeDevices: claims.filter(({ mode }) => mode === 'Block').map(({ volume, claim }) => ({ name: volume, devicePath: `/path/${volume}/${claim.metadata.uid}` })),
})

const status = ({ running = true }: PodOptions, container: string): { status?: object } =>
  running ? { status: podStatus(container, true) } : {}

/** What a kubelet writes for a pod that runs and is ready, or not yet. */
export const podStatus = (container: string, ready: boolean): object => ({
  phase: ready ? 'Running' : 'Pending',
  conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: ready || type === 'PodScheduled' ? 'True' : 'False' })),
  containerStatuses: [{ name: container, image: 'none', imageID: '', ready, started: ready, restartCount: 0, state: ready ? { running: {} } : { waiting: { reason: 'ContainerCreating' } } }],
})
