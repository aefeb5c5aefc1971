import { asHotplugError } from '../../errors.ts'
import type { NativeListener } from './binding.ts'
import type { Whereabouts } from './fleet.ts'
import { Hypervisor } from './hypervisor.ts'
import type { CommonOptions } from './namespaces.ts'

const FIRST_LOOK_MS = 50
const LONGEST_LOOK_MS = 1_000

/** A libvirt's socket inside a launcher, held open: what is connected to is what was proven. */
export interface LauncherSocket {
  readonly uri: string
  /** Another one after the daemon was restarted. */
  readonly id: string
  close(): void
}

/** How the node shows a launcher. Both reject with HotplugError. */
export interface LauncherNode {
  openSocket(podUid: string): Promise<LauncherSocket>
  /** Processes in the pod's cgroup; none: it has ended. */
  processes(podUid: string): Promise<readonly number[]>
}

export interface LauncherOptions extends CommonOptions {
  readonly node: LauncherNode
  readonly podUid: string
  readonly logFields: Readonly<Record<string, string>>
  readonly onEvent: NativeListener
  readonly onConnection: (up: boolean, why: string) => void
  /** Nothing runs in the pod any more. */
  readonly onEnd: () => void
}

/**
 * The libvirt of one launcher pod: looked for until its socket is there, found again under a new socket when its daemon
 * was restarted, given up when no process of the pod is left.
 *
 *   looking ──socket──▶ connecting ⇄ connected ──lost──▶ looking beside it ──new socket──▶ connecting
 *      └──────────────────no process left──────────────────▶ ended
 */
export class Launcher {
  readonly #options: LauncherOptions
  #socket: LauncherSocket | null = null
  #hypervisor: Hypervisor | null = null
  #why = 'its libvirt was not found yet'
  #lookMs = FIRST_LOOK_MS
  #looking = false
  #cancelLook: () => void = () => {}
  #wasThere = false
  #state: 'open' | 'ended' | 'closed' = 'open'

  constructor(options: LauncherOptions) {
    this.#options = options
  }

  get podUid(): string {
    return this.#options.podUid
  }

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  get hypervisor(): Hypervisor | null {
    return this.#hypervisor
  }

  get connection(): { readonly up: boolean; readonly why: string } {
    return this.#hypervisor?.connection ?? { up: false, why: this.#why }
  }

  start(): void {
    void this.#look()
  }

  close(): void {
    this.#state = 'closed'
    this.#cancelLook()
    this.#drop()
  }

  async whereabouts(): Promise<Whereabouts> {
    return { runDirs: [], pids: await this.#options.node.processes(this.podUid) }
  }

  /** One look at a time, until there is a connection. */
  async #look(): Promise<void> {
    if (this.#looking || this.#state === 'closed') return
    this.#looking = true
    const failure = await this.#find().then(() => null, asHotplugError)
    this.#looking = false
    if (this.#isClosed()) return this.#drop()
    if (failure !== null) await this.#notFound(failure.message)
    if (!this.connection.up) this.#lookAgain()
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #find(): Promise<void> {
    const socket = await this.#options.node.openSocket(this.podUid)
    this.#wasThere = true
    if (this.#isClosed() || socket.id === this.#socket?.id) return socket.close()
    this.#state = 'open'
    this.#connect(socket)
  }

  async #notFound(why: string): Promise<void> {
    const processes = await this.#options.node.processes(this.podUid).catch(() => null)
    if (this.#isClosed() || this.isEnded) return
    if (processes?.length === 0 && this.#wasThere) return this.#end()
    if (this.#hypervisor !== null || why === this.#why) return
    this.#why = why
    this.#options.onConnection(false, why)
  }

  #end(): void {
    this.#drop()
    this.#state = 'ended'
    this.#options.onEnd()
  }

  #connect(socket: LauncherSocket): void {
    this.#drop()
    this.#socket = socket
    const { node: _node, podUid: _podUid, onEnd: _onEnd, ...common } = this.#options
    const place = { uri: socket.uri, socketPath: '', runDirs: [] }
    this.#hypervisor = new Hypervisor({ ...common, place, onConnection: (up, why) => this.#connected(up, why) })
    this.#hypervisor.start()
  }

  #connected(up: boolean, why: string): void {
    this.#options.onConnection(up, why)
    this.#lookMs = FIRST_LOOK_MS
    if (!up) this.#lookAgain()
  }

  /** The only one that is due: losses and looks that were in vain both ask for it. */
  #lookAgain(): void {
    this.#cancelLook()
    this.#cancelLook = this.#options.clock.after(this.#lookMs, () => void this.#look())
    this.#lookMs = Math.min(this.#lookMs * 2, LONGEST_LOOK_MS)
  }

  #drop(): void {
    this.#hypervisor?.close()
    this.#socket?.close()
    this.#hypervisor = null
    this.#socket = null
  }
}
