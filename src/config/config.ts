import type { RoleChoice } from '../model/role.ts'

export const MODES = ['standalone', 'kubernetes'] as const
export type Mode = (typeof MODES)[number]

export const SOURCE_LOST_POLICIES = ['Report', 'Stop'] as const
export type SourceLostPolicy = (typeof SOURCE_LOST_POLICIES)[number]

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A TCP address to listen on. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Everything that a user can choose, checked. Paths are absolute; whether they exist is not known here. */
export interface Config {
  readonly mode: Mode
  /** Namespace → libvirt URI of this host. Never empty. */
  readonly libvirtUris: ReadonlyMap<string, string>
  /** Desired state from requests; must survive power loss. */
  readonly stateDir: string
  /** Exposure journal and the node's lock; must not survive a boot. */
  readonly runDir: string
  readonly manifestDir: string
  /** Unix socket of the local API. */
  readonly socket: string
  /** Probes and metrics; null: none. */
  readonly listen: ListenAddress | null
  /** The feature gate: false refuses new plugs; unplugging still works. */
  readonly hotplug: boolean
  /** Name or number of the group that may change volumes; null: only root. */
  readonly adminGroup: string | null
  /** Name or number of the group that may read; null: only root and the admin group. */
  readonly socketGroup: string | null
  /** After this a call to libvirt counts as uncertain and is read back. */
  readonly callDeadlineMs: number
  readonly logLevel: LogLevel
  /** Kubernetes mode: the node whose VMs are served; null: not given. */
  readonly nodeName: string | null
  /** Kubernetes mode: the kubelet's directory, with `pods` below it. */
  readonly kubeletDir: string
  /** Kubernetes mode: how to reach the API server; null: as a pod does. */
  readonly kubeconfig: string | null
  /** Kubernetes mode: whether hotplugd does the hotplug job on this node or only watches KubeVirt do it. */
  readonly role: RoleChoice
  /** Kubernetes mode: where KubeVirt is installed, if it is. */
  readonly kubevirtNamespace: string
  /** Kubernetes mode: what becomes of a VM when nothing on the node holds the claim of a plugged volume any more. */
  readonly sourceLostPolicy: SourceLostPolicy
  /** Kubernetes mode: how long `Stop` waits. */
  readonly sourceLostGraceMs: number
}
