import type { VmiObject } from '../http/objects/vmi-object.ts'

/** One event of the API's watch. */
export interface VmEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: VmiObject
}

/** The VMs as the watch told of them. After a cut the old ones are kept until the new watch has told of all there are. */
export class SeenVms {
  readonly #vms = new Map<string, VmiObject>()
  /** Told of since the watch began; null: it has told of all. */
  #told: Set<string> | null = new Set()

  get all(): readonly VmiObject[] {
    return [...this.#vms.values()]
  }

  /** Whether everything that is there was told at least once. */
  get isWhole(): boolean {
    return this.#told === null
  }

  /** A watch begins. */
  begin(): void {
    this.#told = new Set()
  }

  take({ type, object }: VmEvent): void {
    if (type === 'BOOKMARK') return this.#forgetUntold()
    const key = `${object.metadata.namespace}/${object.metadata.name}`
    this.#told?.add(key)
    if (type === 'DELETED') this.#vms.delete(key)
    else this.#vms.set(key, object)
  }

  #forgetUntold(): void {
    const told = this.#told
    if (told === null) return
    for (const key of this.#vms.keys()) if (!told.has(key)) this.#vms.delete(key)
    this.#told = null
  }
}
