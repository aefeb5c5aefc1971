import { LOG_LEVELS, MODES, SOURCE_LOST_POLICIES, type Config, type ListenAddress } from './config.ts'
import { ROLE_CHOICES } from '../model/role.ts'
import { parseDurationMs } from './duration.ts'
import { parseLibvirtUris } from './libvirt-uris.ts'
import { oneOf, optional, single, type Parse } from './parsed.ts'

/**
 * One thing that a user can choose. Its name is the same everywhere: `--state-dir`, `HOTPLUGD_STATE_DIR`, and `state-dir`
 * in the YAML file.
 */
export interface Option<T> {
  readonly name: string
  /** `switch`: true or false. `text`: one text. `list`: any number of texts. */
  readonly kind: 'switch' | 'text' | 'list'
  readonly placeholder: string
  /** As a user would write it; empty: none. */
  readonly defaults: readonly string[]
  readonly doc: string
  readonly parse: Parse<T>
}

const ABSOLUTE_PATH = 'an absolute path'
const GROUP = "a group's name or number"

/** A path that the kernel takes, without a trailing slash. */
function readPath(text: string): string | null {
  if (!/^\/[^\0]*$/.test(text) || text.split('/').some(part => part === '..' || part === '.')) return null
  return text.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '')
}

/** sun_path holds 107 bytes; the socket is made under a short name of 10 bytes beside its place first. */
function readSocket(text: string): string | null {
  const path = readPath(text)
  if (path === null || Buffer.byteLength(path) > 107) return null
  return Buffer.byteLength(path.slice(0, path.lastIndexOf('/'))) > 96 ? null : path
}

/** `HOST:PORT`, `[::1]:PORT`, or `none`. */
function readListen(text: string): { address: ListenAddress | null } | null {
  if (text === 'none') return { address: null }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([-a-zA-Z0-9.]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return null
  return { address: { host: match[1] ?? match[2] ?? '', port } }
}

const parseListenText = single('HOST:PORT with a port of at most 65535, or none', readListen)

const parseListen: Parse<ListenAddress | null> = texts => {
  const parsed = parseListenText(texts)
  return 'value' in parsed ? { value: parsed.value.address } : parsed
}

/** A DNS subdomain, as the names of nodes and namespaces are. */
function readDnsName(text: string): string | null {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text) ? text : null
}

function readGroup(text: string): string | null {
  return /^[a-zA-Z0-9_][-a-zA-Z0-9_.]{0,31}$/.test(text) ? text : null
}

function readDeadline(text: string): number | null {
  const ms = parseDurationMs(text)
  return ms === null || ms < 100 || ms > 600_000 ? null : ms
}

/** All options: flags, environment, file, help and documentation are made from this table. */
export const OPTIONS: { readonly [K in keyof Config]: Option<Config[K]> } = {
  mode: {
    name: 'mode', kind: 'text', placeholder: MODES.join('|'), defaults: ['standalone'],
    doc: 'Where wishes come from and where guests run. standalone: from manifests and the local API, to guests of a libvirt on this host. kubernetes: from the VirtualMachineInstances of this node, to the guests in their virt-launcher pods.',
    parse: oneOf(MODES),
  },
  libvirtUris: {
    name: 'libvirt-uri', kind: 'list', placeholder: '[NAMESPACE=]URI', defaults: ['qemu:///system'],
    doc: "A libvirt of this host, and the namespace its domains are shown in (default: 'default'). May be given several times, each time with its own namespace; in the environment separated by spaces, in the file as a list.",
    parse: parseLibvirtUris,
  },
  stateDir: {
    name: 'state-dir', kind: 'text', placeholder: 'DIR', defaults: ['/var/lib/hotplugd'],
    doc: 'Where requests are kept. Must survive a reboot.',
    parse: single(ABSOLUTE_PATH, readPath),
  },
  runDir: {
    name: 'run-dir', kind: 'text', placeholder: 'DIR', defaults: ['/run/hotplugd'],
    doc: "Exposure journal and the node's lock; one hotplugd per run directory and per node. Must not survive a reboot.",
    parse: single(ABSOLUTE_PATH, readPath),
  },
  manifestDir: {
    name: 'manifest-dir', kind: 'text', placeholder: 'DIR', defaults: ['/etc/hotplugd/vms.d'],
    doc: 'Directory of manifests: YAML files of kind VirtualMachineInstance.',
    parse: single(ABSOLUTE_PATH, readPath),
  },
  socket: {
    name: 'socket', kind: 'text', placeholder: 'PATH', defaults: ['/run/hotplugd/hotplugd.sock'],
    doc: 'Unix socket of the local API. hotplugctl reads the same variable.',
    parse: single('an absolute path of at most 107 bytes, its directory of at most 96', readSocket),
  },
  listen: {
    name: 'listen', kind: 'text', placeholder: 'HOST:PORT|none', defaults: ['127.0.0.1:9480'],
    doc: 'TCP address of probes and metrics, for anybody who can reach it. Nothing can be changed there.',
    parse: parseListen,
  },
  hotplug: {
    name: 'hotplug', kind: 'switch', placeholder: 'true|false', defaults: ['true'],
    doc: 'The feature gate. false: nothing new is plugged; unplugging still works.',
    parse: single('true, false', text => (text === 'true' ? true : text === 'false' ? false : null)),
  },
  adminGroup: {
    name: 'admin-group', kind: 'text', placeholder: 'GROUP', defaults: [],
    doc: 'Group whose members may add and remove volumes, beside root. Who may plug any path is as good as root.',
    parse: optional(GROUP, readGroup),
  },
  socketGroup: {
    name: 'socket-group', kind: 'text', placeholder: 'GROUP', defaults: [],
    doc: 'Group of the socket, whose members may read. Default: the admin group. If both are given, who is to change volumes must be a member of both.',
    parse: optional(GROUP, readGroup),
  },
  callDeadlineMs: {
    name: 'call-deadline', kind: 'text', placeholder: 'DURATION', defaults: ['10s'],
    doc: 'How long a call to libvirt may take before it is reported as uncertain and read back.',
    parse: single('a duration from 100ms to 10m', readDeadline),
  },
  logLevel: {
    name: 'log-level', kind: 'text', placeholder: 'LEVEL', defaults: ['info'],
    doc: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
    parse: oneOf(LOG_LEVELS),
  },
  nodeName: {
    name: 'node-name', kind: 'text', placeholder: 'NAME', defaults: [],
    doc: 'Kubernetes mode: the node that this agent runs on. Needed there.',
    parse: optional("a node's name", readDnsName),
  },
  kubeletDir: {
    name: 'kubelet-dir', kind: 'text', placeholder: 'DIR', defaults: ['/var/lib/kubelet'],
    doc: "Kubernetes mode: the kubelet's directory, which holds the directories of pods.",
    parse: single(ABSOLUTE_PATH, readPath),
  },
  kubeconfig: {
    name: 'kubeconfig', kind: 'text', placeholder: 'FILE', defaults: [],
    doc: 'Kubernetes mode: how to reach the API server. Default: as a pod does, by its service account.',
    parse: optional(ABSOLUTE_PATH, readPath),
  },
  role: {
    name: 'role', kind: 'text', placeholder: ROLE_CHOICES.join('|'), defaults: ['auto'],
    doc: "Kubernetes mode: agent: does the hotplug job on this node. companion: changes nothing, and shows how KubeVirt's virt-handler does it. auto: companion for as long as KubeVirt's virt-handler DaemonSet selects this node or that cannot be found out, else agent.",
    parse: oneOf(ROLE_CHOICES),
  },
  kubevirtNamespace: {
    name: 'kubevirt-namespace', kind: 'text', placeholder: 'NAMESPACE', defaults: ['kubevirt'],
    doc: 'Kubernetes mode: the namespace that KubeVirt is installed in, if it is.',
    parse: single('the name of a namespace', readDnsName),
  },
  sourceLostPolicy: {
    name: 'source-lost-policy', kind: 'text', placeholder: SOURCE_LOST_POLICIES.join('|'), defaults: ['Report'],
    doc: "Kubernetes mode: when no attachment pod holds the claim of a plugged volume any more. Report: said in status and events. Stop: also, the VM is asked to shut down after --source-lost-grace, since the volume cannot be guaranteed.",
    parse: oneOf(SOURCE_LOST_POLICIES),
  },
  sourceLostGraceMs: {
    name: 'source-lost-grace', kind: 'text', placeholder: 'DURATION', defaults: ['60s'],
    doc: 'Kubernetes mode: how long the policy Stop waits for an attachment pod.',
    parse: single('a duration from 100ms to 10m', readDeadline),
  },
}

export const OPTION_NAMES: readonly string[] = Object.values(OPTIONS).map(option => option.name)

/** The environment variable of an option. */
export function variableOf(name: string): string {
  return `HOTPLUGD_${name.toUpperCase().replaceAll('-', '_')}`
}
