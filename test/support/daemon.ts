import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Teardown } from './libvirt-host.ts'
import { PROJECT } from './paths.ts'
import { Hopeless, until } from './wait.ts'

export interface DaemonOptions {
  /** Namespace → libvirt URI; a plain string is namespace `default`. */
  readonly libvirt: string | Readonly<Record<string, string>>
  /** Share state, run and manifest directories with an earlier daemon. */
  readonly directories?: DaemonDirectories
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A command that ends by becoming the daemon, such as `unshare --mount`. */
  readonly under?: readonly string[]
}

export interface DaemonDirectories {
  readonly base: string
  readonly state: string
  readonly run: string
  readonly manifests: string
}

/** An answer of the local API. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly text: string
}

/** One entry of `status.volumeStatus[]` as the local API gives it. */
export interface VolumeEntry {
  readonly name: string
  readonly target: string
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
  readonly serial?: string
  readonly hotplugVolume?: object
  readonly persisted?: boolean
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
  readonly stages?: readonly { readonly name: string; readonly startedAt: string; readonly durationMs: number }[]
}

/** As service and image start it. */
const NODE_FLAGS = ['--max-semi-space-size=1'] as const

/** What one adds beside name and path. */
export interface VolumeOptions {
  readonly serial?: string
  readonly format?: string
  readonly persist?: boolean
  readonly readonly?: boolean
  readonly shareable?: boolean
}

/** A real hotplugd as a child process, with directories of its own that outlive it until the test ends. */
export class Daemon {
  readonly directories: DaemonDirectories
  readonly socket: string
  readonly child: ChildProcess
  readonly #logFile: string

  constructor(directories: DaemonDirectories, child: ChildProcess) {
    this.directories = directories
    this.child = child
    this.socket = join(directories.base, 'hotplugd.sock')
    this.#logFile = join(directories.base, 'hotplugd.log')
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('hotplugd did not start')
    return this.child.pid
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8')
  }

  /** Where its probes are: address and port. */
  async listening(): Promise<string> {
    return until('hotplugd to listen', async () => /"(127\.0\.0\.1:\d+)"/.exec(await this.log())?.[1])
  }

  /** One request to the local API over its socket. */
  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const outgoing = request({ socketPath: this.socket, method, path, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve(answer(response.statusCode ?? 0, Buffer.concat(chunks).toString())))
      })
      outgoing.on('error', reject)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** Runs the real hotplugctl; resolves with whatever happened. */
  async ctl(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
    const child = spawn(process.execPath, [join(PROJECT, 'out/src/cli/main.js'), ...args], {
      env: { ...process.env, HOTPLUGD_SOCKET: this.socket },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
    const exitCode = await exitOf(child)
    return { exitCode, stdout, stderr }
  }

  /** addvolume; the answer is not judged. */
  add(vm: string, name: string, path: string, options: VolumeOptions = {}): Promise<Answer> {
    const { serial, format, persist, readonly, shareable } = options
    const disk = { disk: { bus: 'scsi', ...(readonly ? { readonly } : {}) }, ...(serial === undefined ? {} : { serial }), ...(shareable ? { shareable } : {}) }
    const local = { path, ...(format === undefined ? {} : { format }) }
    return this.call('PUT', subresource(vm, persist, 'addvolume'), { name, disk, volumeSource: { local } })
  }

  remove(vm: string, name: string, options: Pick<VolumeOptions, 'persist'> = {}): Promise<Answer> {
    return this.call('PUT', subresource(vm, options.persist, 'removevolume'), { name })
  }

  /** The VM's disks as the API tells them. `vm` may be `namespace/name`. */
  async volumes(vm: string): Promise<readonly VolumeEntry[]> {
    const [namespace, name] = split(vm)
    const { body } = await this.call('GET', `/apis/kubevirt.io/v1/namespaces/${namespace}/virtualmachineinstances/${name}`)
    return (body as { status?: { volumeStatus?: VolumeEntry[] } } | null)?.status?.volumeStatus ?? []
  }

  async volume(vm: string, name: string): Promise<VolumeEntry | undefined> {
    return (await this.volumes(vm)).find((volume) => volume.name === name)
  }

  /** Waits until the volume is Ready and returns it. */
  ready(vm: string, name: string): Promise<VolumeEntry> {
    return until(`${name} of ${vm} to be Ready`, async () => {
      const volume = await this.volume(vm, name)
      if (volume?.phase === 'Ready') return volume
      throw new Error(JSON.stringify(volume))
    })
  }

  /** Waits until the VM has no volume of that name. */
  async gone(vm: string, name: string): Promise<void> {
    await until(`${name} of ${vm} to be gone`, async () => {
      const volume = await this.volume(vm, name)
      if (volume === undefined) return true
      throw new Error(JSON.stringify(volume))
    })
  }

  /** Waits until the volume's reason is that one. */
  reason(vm: string, name: string, reason: string): Promise<VolumeEntry> {
    return until(`${name} of ${vm} to say ${reason}`, async () => {
      const volume = await this.volume(vm, name)
      if (volume?.reason === reason) return volume
      throw new Error(JSON.stringify(volume))
    })
  }

  /** Waits for /readyz. */
  async waitReady(): Promise<this> {
    await until('hotplugd to be ready', async () => {
      if (this.ended) throw new Hopeless(`hotplugd ended: ${await this.log()}`)
      const { status, text } = await this.call('GET', '/readyz?verbose')
      if (status !== 200) throw new Error(text)
      return true
    })
    return this
  }

  kill9(): Promise<void> {
    return this.#end('SIGKILL')
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** Resolves when the process has ended by itself. */
  async waitEnd(): Promise<void> {
    await exitOf(this.child)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.ended) this.child.kill(signal)
    await exitOf(this.child)
  }
}

/** Directories for a daemon, gone when the test ends. */
export async function daemonDirectories(t: Teardown): Promise<DaemonDirectories> {
  const base = await mkdtemp(join(tmpdir(), 'hotplugd-test-'))
  t.teardown(() => rm(base, { recursive: true, force: true }))
  const directories = { base, state: join(base, 'state'), run: join(base, 'run'), manifests: join(base, 'vms.d') }
  await mkdir(directories.manifests)
  await writeFile(join(base, 'hotplugd.log'), '')
  return directories
}

/** Starts hotplugd without waiting for it to be ready; it ends with the test. */
export async function spawnDaemon(t: Teardown, options: DaemonOptions): Promise<Daemon> {
  const directories = options.directories ?? (await daemonDirectories(t))
  // it dies with a test that is killed
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...(options.under ?? []), process.execPath, ...NODE_FLAGS, join(PROJECT, 'out/src/main.js'), ...flagsOf(options, directories)], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const daemon = new Daemon(directories, child)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => appendFileSync(join(directories.base, 'hotplugd.log'), chunk))
  t.teardown(() => daemon.kill9())
  return daemon
}

/** Starts hotplugd and waits until it is ready. */
export async function startDaemon(t: Teardown, options: DaemonOptions): Promise<Daemon> {
  return (await spawnDaemon(t, options)).waitReady()
}

function flagsOf({ libvirt, flags }: DaemonOptions, { base, state, run, manifests }: DaemonDirectories): string[] {
  const uris = typeof libvirt === 'string' ? [libvirt] : Object.entries(libvirt).map(([namespace, uri]) => `${namespace}=${uri}`)
  const places = ['--state-dir', state, '--run-dir', run, '--manifest-dir', manifests, '--socket', join(base, 'hotplugd.sock'), '--listen', '127.0.0.1:0']
  return [...uris.flatMap((uri) => ['--libvirt-uri', uri]), ...places, '--log-level', 'debug', ...(flags ?? [])]
}

function subresource(vm: string, persist: boolean | undefined, verb: string): string {
  const [namespace, name] = split(vm)
  const kind = persist ? 'virtualmachines' : 'virtualmachineinstances'
  return `/apis/subresources.kubevirt.io/v1/namespaces/${namespace}/${kind}/${name}/${verb}`
}

function split(vm: string): readonly [string, string] {
  const slash = vm.indexOf('/')
  return slash < 0 ? ['default', vm] : [vm.slice(0, slash), vm.slice(slash + 1)]
}

function answer(status: number, text: string): Answer {
  try {
    return { status, text, body: JSON.parse(text) }
  } catch {
    return { status, text, body: null }
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString()
}

function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? 128)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 128)))
}
