/** A disk as the guest's kernel sees it. */
export interface GuestDisk {
  /** The guest's own name, `sda`; unrelated to libvirt's target. */
  readonly name: string
  readonly serial: string
  readonly sizeBytes: number
  readonly readonly: boolean
  /** HOST:CHANNEL:TARGET:LUN; the LUN is libvirt's unit. */
  readonly address: string
}

/** What the guest's kernel says of a disk; `lost`: it said more than its agent could hear, so all must be read anew. */
export type DiskEvent = { readonly action: 'lost' } | { readonly action: 'add' | 'change' | 'remove'; readonly disk: GuestDisk }

/** The guest's disks as told by its kernel's events; listeners hear of every change. */
export class DiskView {
  readonly #disks = new Map<string, GuestDisk>()
  readonly #listeners = new Set<(disks: readonly GuestDisk[]) => void>()

  replace(disks: readonly GuestDisk[]): void {
    this.#disks.clear()
    for (const disk of disks) this.#disks.set(disk.name, disk)
    this.#tell()
  }

  apply({ action, disk }: Exclude<DiskEvent, { action: 'lost' }>): void {
    if (action === 'remove') this.#disks.delete(disk.name)
    else this.#disks.set(disk.name, disk)
    this.#tell()
  }

  /** Returns what ends it. */
  listen(listener: (disks: readonly GuestDisk[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    const disks = [...this.#disks.values()]
    for (const listener of [...this.#listeners]) listener(disks)
  }
}
