import { hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { VmKey } from '../../model/ids.ts'
import type { VmStatus } from '../../model/status.ts'
import type { Log } from '../log.ts'

/** What one watcher wants to see. */
export interface View {
  readonly covers: (vm: VmKey) => boolean
  /** Null: what is watched is not there. */
  readonly project: (status: VmStatus) => object | null
  readonly tombstone: (vm: VmKey) => object
}

/** Tells a watcher that it has seen all that was there when it came, as Kubernetes does. */
const INITIAL_END = { type: 'BOOKMARK', object: { kind: 'VirtualMachineInstance', apiVersion: 'kubevirt.io/v1', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }

/** Changes that come within this time are told once. */
const GATHER_MS = 5

interface Sent {
  readonly uid: string | null
  /** Instead of the text, which may be long and would be held for each watcher. */
  readonly digest: string
}

/**
 * One watcher. It is told the newest state of each VM, not every change: what has changed waits by key until the watcher
 * takes more, so that a slow one holds no memory, and one that takes nothing for `stallMs` is cut.
 */
export class WatchStream {
  readonly #pending = new Map<VmKey, VmStatus | null>()
  readonly #sent = new Map<VmKey, Sent>()
  readonly #out: ServerResponse
  readonly #view: View
  readonly #options: { readonly stallMs: number; readonly log: Log }
  #initial = true
  #gather: NodeJS.Timeout | undefined
  #stall: NodeJS.Timeout | undefined

  constructor(out: ServerResponse, view: View, options: { readonly stallMs: number; readonly log: Log }) {
    this.#out = out
    this.#view = view
    this.#options = options
    out.on('drain', () => this.#resume())
    out.on('close', () => this.#end())
  }

  /** Begins with everything that is there. */
  start(present: readonly VmStatus[]): void {
    for (const status of present) this.#note(status.vm, status)
    this.#flush()
  }

  /** A VM changed, or is gone. */
  tell(vm: VmKey, status: VmStatus | null): void {
    this.#note(vm, status)
    if (this.#pending.size > 0) this.#gather ??= setTimeout(() => this.#flush(), GATHER_MS)
  }

  #note(vm: VmKey, status: VmStatus | null): void {
    if (this.#view.covers(vm)) this.#pending.set(vm, status)
  }

  #flush(): void {
    clearTimeout(this.#gather)
    this.#gather = undefined
    for (const [vm, status] of this.#pending) {
      if (this.#stall !== undefined || this.#out.destroyed) return
      this.#pending.delete(vm)
      this.#report(vm, status)
    }
    if (this.#initial) this.#write(JSON.stringify(INITIAL_END))
    this.#initial = false
  }

  /** Compares with what the watcher knows, and says the difference. */
  #report(vm: VmKey, status: VmStatus | null): void {
    const object = status === null ? null : this.#view.project(status)
    const known = this.#sent.get(vm)
    if (object === null || status === null) return this.#forget(vm, known)
    const text = JSON.stringify(object)
    const digest = hash('sha1', text)
    if (known?.digest === digest) return
    const replaced = known !== undefined && known.uid !== status.uid
    if (replaced) this.#forget(vm, known)
    this.#sent.set(vm, { uid: status.uid, digest })
    this.#write(`{"type":"${known === undefined || replaced ? 'ADDED' : 'MODIFIED'}","object":${text}}`)
  }

  #forget(vm: VmKey, known: Sent | undefined): void {
    if (known === undefined) return
    this.#sent.delete(vm)
    this.#write(`{"type":"DELETED","object":${JSON.stringify(this.#view.tombstone(vm))}}`)
  }

  #write(line: string): void {
    if (this.#out.write(`${line}\n`)) return
    this.#stall ??= setTimeout(() => this.#cut(), this.#options.stallMs)
  }

  #resume(): void {
    clearTimeout(this.#stall)
    this.#stall = undefined
    this.#flush()
  }

  #cut(): void {
    this.#options.log.warn({ pending: this.#pending.size }, 'watcher cut: it does not read')
    this.#out.destroy()
  }

  #end(): void {
    clearTimeout(this.#gather)
    clearTimeout(this.#stall)
    this.#pending.clear()
    this.#sent.clear()
  }
}
