import type { AddVolume, AgentApi, Check, EngineState, Explanation, HistoryEntry, RemoveVolume } from './agent/api.ts'
import { NO_STATE } from './agent/engine-state.ts'
import type { AgentObserver } from './agent/observer.ts'
import type { LibvirtReach } from './core/volume/status-line.ts'
import { asHotplugError, HotplugError } from './errors.ts'
import type { VmKey, VmRef, VolumeKey } from './model/ids.ts'
import type { Role, RoleVerdict } from './model/role.ts'
import type { VmStatus } from './model/status.ts'
import type { Clock } from './ports/clock.ts'
import type { RoleSource } from './ports/role-source.ts'

/** hotplugd in one of its roles, from its start to its end. */
export interface RoleRun {
  readonly api: AgentApi
  /** Each libvirt of this node, and what is known of it. */
  connections(): readonly LibvirtReach[]
  /** From the moment of the call on nothing new is begun; resolves when what was under way has ended. */
  stop(): Promise<void>
}

export interface RolesParts {
  readonly source: RoleSource
  readonly clock: Clock
  /**
   * Makes hotplugd in that role, with ports of its own, and starts it. Called again for each change, never while the last
   * one runs. The signal says that the role is another one by now: from then on nothing new is begun, though nobody called
   * `stop` yet.
   */
  readonly begin: Readonly<Record<Role, (signal: AbortSignal) => Promise<RoleRun>>>
  readonly observer: Pick<AgentObserver, 'note' | 'failed'>
}

interface Running {
  readonly role: Role
  readonly run: RoleRun
  readonly endWatch: () => void
}

type Listener = Parameters<AgentApi['watch']>[0]

/** After a role that could not be begun. */
const RETRY_MS = 1_000

/**
 * Runs hotplugd in the role that it has, and changes over when that changes: the one that runs is stopped, in the same
 * turn of the event loop in which the news came, and only when it has really ended does the other begin. So there are
 * never two, and an agent that becomes a companion starts nothing new. Seen from the local API it is one agent.
 */
export class Roles implements AgentApi {
  readonly #parts: RolesParts
  readonly #listeners = new Set<Listener>()
  #run: Running | null = null
  /** Of the run that is, or else of the last one. */
  #api: AgentApi | null = null
  /** Under way: changing over, or nothing. */
  #changing: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  #failure: HotplugError | null = null
  /** Of the one that begins. */
  #beginning: { readonly role: Role; readonly controller: AbortController } | null = null
  #started = false
  #closed = false

  constructor(parts: RolesParts) {
    this.#parts = parts
  }

  /** What hotplugd is at present; null while it changes over. */
  get role(): Role | null {
    return this.#stopping === null ? (this.#run?.role ?? null) : null
  }

  get verdict(): RoleVerdict {
    return this.#parts.source.verdict
  }

  /** Resolves once hotplugd runs in its first role: as companion, unless it is certain already that it is the agent. */
  async start(): Promise<void> {
    await this.#parts.source.start(() => {
      if (this.#started) void this.#turn()
    })
    this.#started = true
    await this.#turn()
    if (this.#failure !== null) throw this.#failure
  }

  async stop(): Promise<void> {
    this.#closed = true
    this.#beginning?.controller.abort()
    await this.#parts.source.close()
    void this.#endRun()
    await this.#changing
    await this.#endRun()
  }

  /** Called with each news: what runs in the wrong role is stopped before this returns. */
  #turn(): Promise<void> {
    if (this.#beginning !== null && this.#beginning.role !== this.verdict.role) this.#beginning.controller.abort()
    if (this.#run !== null && this.#run.role !== this.verdict.role) void this.#endRun()
    this.#changing ??= this.#change().finally(() => {
      this.#changing = null
    })
    return this.#changing
  }

  async #change(): Promise<void> {
    while (!this.#closed && this.#run?.role !== this.verdict.role) {
      await this.#endRun()
      if (!this.#closed && !(await this.#begin(this.verdict.role))) return
    }
  }

  async #begin(role: Role): Promise<boolean> {
    const controller = new AbortController()
    this.#beginning = { role, controller }
    try {
      const run = await this.#parts.begin[role](controller.signal)
      this.#failure = null
      this.#api = run.api
      this.#run = { role, run, endWatch: run.api.watch((vm, status) => this.#tell(vm, status)) }
      this.#parts.observer.note('role begun', { role, why: this.verdict.why })
      for (const status of run.api.vms()) this.#tell(status.vm, status)
      return true
    } catch (thrown) {
      this.#failure = asHotplugError(thrown)
      this.#parts.observer.failed('role could not be begun', { role }, this.#failure)
      this.#parts.clock.after(RETRY_MS, () => void this.#turn())
      return false
    } finally {
      this.#beginning = null
    }
  }

  #endRun(): Promise<void> {
    const run = this.#run
    if (run === null) return Promise.resolve()
    this.#stopping ??= this.#end(run).finally(() => {
      this.#stopping = null
    })
    return this.#stopping
  }

  /** `stop` is called before anything is waited for. What it was still answers until the next one does. */
  async #end({ run, endWatch }: Running): Promise<void> {
    await run.stop()
    endWatch()
    this.#run = null
  }

  #tell(vm: VmKey, status: VmStatus | null): void {
    for (const listener of this.#listeners) listener(vm, status)
  }

  vms(namespace?: string): readonly VmStatus[] {
    return this.#api?.vms(namespace) ?? []
  }

  vm(ref: VmRef): VmStatus | null {
    return this.#api?.vm(ref) ?? null
  }

  watch(listener: Listener): () => void {
    const own: Listener = (vm, status) => listener(vm, status)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  explain(key: VolumeKey): Explanation | null {
    return this.#api?.explain(key) ?? null
  }

  unread(): HotplugError | null {
    return this.#api?.unread?.() ?? null
  }

  async addVolume(request: AddVolume): Promise<void> {
    await this.#present().addVolume(request)
  }

  async removeVolume(request: RemoveVolume): Promise<void> {
    await this.#present().removeVolume(request)
  }

  connections(): readonly LibvirtReach[] {
    return this.#run?.run.connections() ?? []
  }

  history(): readonly HistoryEntry[] {
    return this.#api?.history() ?? []
  }

  state(): EngineState {
    return { ...(this.#api?.state() ?? NO_STATE), role: { ...this.verdict, running: this.role } }
  }

  readiness(): readonly Check[] {
    return [this.#check(), ...(this.#api?.readiness() ?? [])]
  }

  #check(): Check {
    const { role, why } = this.verdict
    if (this.role !== role) return { name: 'role', ok: false, message: this.#failure?.message ?? `it is to be ${role} and is not yet: ${why}` }
    return { name: 'role', ok: true, message: '', note: role === 'agent' ? `agent: ${why}` : `companion, nothing is changed: ${why}` }
  }

  /** Requests are for the role that is there. */
  #present(): AgentApi {
    if (this.role !== null && this.#api !== null) return this.#api
    const { role } = this.verdict
    throw new HotplugError('Synchronizing', `hotplugd is changing its role${this.#failure === null ? '' : `: it cannot be ${role} yet: ${this.#failure.message}`}`)
  }
}
