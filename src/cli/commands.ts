import { LOG_LEVELS } from '../config/config.ts'
import type { Session } from './session.ts'
import { SHELLS } from './commands/shells.ts'

/** Names that are not known before they are asked for: of the daemon, or of the file system. */
export type Completes = 'vm' | 'volume' | 'hotplugged' | 'namespace' | 'path'

export interface Flag {
  readonly name: string
  readonly short?: string
  /** Absent: the flag takes no value. */
  readonly value?: string
  /** The only values that are allowed. */
  readonly words?: readonly string[]
  /** What a shell offers for the value. */
  readonly names?: Completes
  readonly doc: string
}

/** What stands behind the command, for shells that offer it. */
export interface Argument {
  readonly words?: readonly string[]
  readonly names?: Completes
}

export interface Command {
  readonly name: string
  readonly aliases: readonly string[]
  readonly usage: string
  readonly arguments?: readonly Argument[]
  readonly doc: string
  /** What `help` of this command says beyond that, in lines. */
  readonly more?: readonly string[]
  readonly flags: readonly Flag[]
  /** Loaded only when it runs, so that the start stays quick. */
  readonly load: () => Promise<(session: Session) => Promise<void>>
}

const VM: Argument = { names: 'vm' }
const NAMESPACE: Flag = { name: 'namespace', short: 'n', value: 'NAMESPACE', names: 'namespace', doc: 'Namespace of the VM (default: default).' }
const OUTPUT: Flag = { name: 'output', short: 'o', value: 'table|wide|json|yaml', words: ['table', 'wide', 'json', 'yaml'], doc: 'Form of the output (default: table).' }
const OBJECT_OUTPUT: Flag = { name: 'output', short: 'o', value: 'table|json|yaml', words: ['table', 'json', 'yaml'], doc: 'Form of the output (default: table).' }
const CONFIG: Flag = { name: 'config', value: 'FILE', names: 'path', doc: 'Configuration of hotplugd (default: as the running daemon has it, or /etc/hotplugd/config.yaml).' }
const VOLUME: Flag = { name: 'volume-name', value: 'NAME', doc: 'Name of the volume.' }
const PERSIST: readonly Flag[] = [
  { name: 'persist', doc: "Change the VM's persistent definition as well." },
  { name: 'persistent', doc: 'The same as --persist.' },
]
const WAITING: readonly Flag[] = [
  { name: 'dry-run', doc: 'All checks, no change.' },
  { name: 'wait', doc: 'Show the stages as they pass, and end when it is done.' },
  { name: 'timeout', value: 'DURATION', doc: 'How long --wait waits (default: 30s).' },
]

export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'socket', value: 'PATH', names: 'path', doc: 'Socket of hotplugd (default: HOTPLUGD_SOCKET, or /run/hotplugd/hotplugd.sock).' },
  { name: 'help', short: 'h', doc: 'Print help.' },
  { name: 'version', doc: 'Print the version.' },
]

export const COMMANDS: readonly Command[] = [
  {
    name: 'addvolume', aliases: [], usage: 'VM --volume-name=NAME --source=PATH', arguments: [VM], doc: 'Plug a volume into a VM.',
    flags: [
      VOLUME,
      { name: 'source', value: 'PATH', names: 'path', doc: 'Block device, image file, or directory that holds disk.img.' },
      { name: 'serial', value: 'SERIAL', doc: 'Serial that the guest sees (default: the name of the volume).' },
      ...PERSIST,
      { name: 'readonly', doc: 'The guest may only read.' },
      { name: 'shareable', doc: 'Other VMs may have the source too, if they say so as well.' },
      { name: 'cache', value: 'MODE', words: ['none', 'writethrough', 'writeback'], doc: 'Cache mode: none, writethrough, writeback.' },
      { name: 'io', value: 'MODE', words: ['native', 'threads'], doc: 'I/O mode: native, threads.' },
      { name: 'format', value: 'FORMAT', words: ['raw', 'qcow2'], doc: 'Format of the image: raw, qcow2 (default: raw; it is never guessed).' },
      { name: 'bus', value: 'BUS', doc: 'Only scsi is supported.' },
      { name: 'disk-type', value: 'TYPE', words: ['disk', 'lun'], doc: 'Only disk is supported.' },
      ...WAITING, NAMESPACE,
    ],
    load: async () => (await import('./commands/add-volume.ts')).addVolume,
  },
  {
    name: 'removevolume', aliases: [], usage: 'VM --volume-name=NAME', arguments: [VM], doc: 'Take a hot-plugged volume out of a VM.',
    flags: [{ ...VOLUME, names: 'hotplugged' }, ...PERSIST, ...WAITING, NAMESPACE],
    load: async () => (await import('./commands/remove-volume.ts')).removeVolume,
  },
  {
    name: 'get', aliases: [], usage: 'vmis [VM] | volumes [VM]', arguments: [{ words: ['vmis', 'volumes'] }, VM], doc: 'List VMs (vmis, vms) or their disks (volumes).',
    flags: [
      { name: 'watch', short: 'w', doc: 'Go on with every change.' },
      { name: 'all-namespaces', short: 'A', doc: 'All namespaces.' },
      OUTPUT, NAMESPACE,
    ],
    load: async () => (await import('./commands/get.ts')).get,
  },
  {
    name: 'describe', aliases: [], usage: 'volume VM NAME', arguments: [{ words: ['volume'] }, VM, { names: 'volume' }], doc: 'Everything known of one volume: conditions, stages with times.',
    flags: [OUTPUT, NAMESPACE],
    load: async () => (await import('./commands/describe.ts')).describe,
  },
  {
    name: 'explain', aliases: ['why'], usage: 'VM NAME', arguments: [VM, { names: 'volume' }], doc: 'Why a volume is, or is not, in the guest, and what to do.',
    flags: [OUTPUT, NAMESPACE],
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'doctor', aliases: [], usage: '[-- FLAGS OF HOTPLUGD]', doc: 'Is everything here that hotplugd needs, and how is it mended? Works without a daemon, too; exit code 1 if something failed.',
    flags: [CONFIG, OBJECT_OUTPUT],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'bundle', aliases: [], usage: '[-- FLAGS OF HOTPLUGD]', doc: 'Pack everything for a bug report, without secrets. Works without a daemon, too, as far as it can.',
    flags: [{ name: 'output', short: 'o', value: 'FILE.tar.gz', names: 'path', doc: 'Where to, and never over what is there (default: hotplugd-bundle-HOST-TIME.tar.gz here).' }, CONFIG],
    load: async () => (await import('./commands/bundle.ts')).bundle,
  },
  {
    name: 'log-level', aliases: [], usage: '[LEVEL]', arguments: [{ words: LOG_LEVELS }], doc: 'How much the daemon logs; with LEVEL it changes, until the daemon ends.',
    flags: [],
    load: async () => (await import('./commands/log-level.ts')).logLevel,
  },
  {
    name: 'ui', aliases: [], usage: '',
    doc: 'A page to look at: what is stuck and why, what moves, what was.',
    more: [
      'Opens a port of 127.0.0.1 and prints an address that works once, in one browser; the page can change nothing. Ctrl-C ends it, or an hour in which nobody looks.',
      'From another machine, with the same port on both sides:',
      '  ssh -t -L 9481:127.0.0.1:9481 NODE sudo hotplugctl ui --port=9481',
      "Of a hotplugd in a pod: kubectl port-forward POD 9481, and beside it kubectl exec -it POD -- hotplugctl ui --port=9481",
    ],
    flags: [{ name: 'port', value: 'PORT', doc: 'The port (default: one that is free).' }],
    load: async () => (await import('./commands/ui.ts')).ui,
  },
  {
    name: 'completion', aliases: [], usage: 'bash|zsh|fish', arguments: [{ words: SHELLS }], doc: 'What makes a shell complete commands, flags and names of VMs and volumes.',
    more: ['bash: source <(hotplugctl completion bash)', 'zsh:  source <(hotplugctl completion zsh)', 'fish: hotplugctl completion fish | source', 'To keep it, put that line into ~/.bashrc, ~/.zshrc (after compinit) or ~/.config/fish/config.fish.'],
    flags: [],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'version', aliases: [], usage: '', doc: 'Versions of hotplugctl and of the daemon.',
    flags: [],
    load: async () => (await import('./commands/version.ts')).version,
  },
]

/** The command of that name or other name. */
export function commandNamed(word: string): Command | undefined {
  return COMMANDS.find(command => command.name === word || command.aliases.includes(word))
}
