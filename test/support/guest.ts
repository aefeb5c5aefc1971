import { readFile } from 'node:fs/promises'
import { GuestChannel } from './guest/channel.ts'
import { DiskView, type DiskEvent, type GuestDisk } from './guest/disk-view.ts'
import { channelPath } from './guest/domain-xml.ts'
import type { LibvirtHost } from './libvirt-host.ts'
import { PATIENCE_MS, until } from './wait.ts'

/** What the agent in the guest knows of its own boot. A guest restored from the lab's cache shares its bootId with others. */
export interface Boot {
  readonly bootId: string
  readonly uptimeSeconds: number
}

/** What a writer in the guest has done so far. */
export interface Churn {
  readonly writtenBlocks: number
  readonly errors: number
}

/** A Linux guest of a LibvirtHost, seen from inside. Offsets, lengths and sizes are bytes. Every method throws when no answer comes. */
export class Guest {
  readonly host: LibvirtHost
  readonly name: string
  readonly #view = new DiskView()
  #channel: Promise<GuestChannel> | null = null

  constructor(host: LibvirtHost, name: string) {
    this.host = host
    this.name = name
  }

  /** Every disk the guest's kernel knows. */
  async disks(): Promise<readonly GuestDisk[]> {
    return (await this.#ask('disks', PATIENCE_MS, (disks) => this.#view.replace(disks as GuestDisk[]))) as GuestDisk[]
  }

  /** Null: no such disk. Throws if two disks have the serial. */
  async disk(serial: string): Promise<GuestDisk | null> {
    const found = (await this.disks()).filter((disk) => disk.serial === serial)
    if (found.length > 1) throw new Error(`${this.name}: ${found.length} disks have serial ${serial}`)
    return found[0] ?? null
  }

  /** Resolves at the kernel's own event, so it may be used to take times: call it first, then plug. With `sizeBytes`: once it has that size. */
  waitForDisk(serial: string, sizeBytes?: number): Promise<GuestDisk> {
    const wanted = (disk: GuestDisk): boolean => disk.serial === serial && (sizeBytes === undefined || disk.sizeBytes === sizeBytes)
    return this.#waitFor(`disk ${serial}`, (disks) => disks.find(wanted))
  }

  async waitForNoDisk(serial: string): Promise<void> {
    await this.#waitFor(`disk ${serial} to go`, (disks) => !disks.some((disk) => disk.serial === serial) || undefined)
  }

  /** Resolves once exactly these serials are there (beside no others), in any order. */
  async waitForDisks(serials: readonly string[]): Promise<readonly GuestDisk[]> {
    const wanted = [...serials].sort().join('\n')
    return this.#waitFor(`disks ${serials.join(' ')}`, (disks) => (disks.map((disk) => disk.serial).sort().join('\n') === wanted ? disks : undefined))
  }

  /** Written and flushed; at most 64 KiB at once. */
  async write(serial: string, offset: number, bytes: Uint8Array | string): Promise<void> {
    await this.#ask(`write ${serial} ${offset} ${Buffer.from(bytes as string).toString('hex')}`)
  }

  /** From the disk, not from the guest's page cache; at most 64 KiB at once. */
  async read(serial: string, offset: number, length: number): Promise<Buffer> {
    return Buffer.from((await this.#ask(`read ${serial} ${offset} ${length}`)) as string, 'hex')
  }

  /** Runs a busybox shell command in the guest; stdout and stderr together, at most 32 KiB. */
  async shell(command: string): Promise<{ readonly exitCode: number; readonly output: string }> {
    return (await this.#ask(`shell ${Buffer.from(command).toString('hex')}`)) as { exitCode: number; output: string }
  }

  /** Starts a writer on the disk's first 256 KiB that goes on beside everything else. */
  async startChurn(serial: string): Promise<void> {
    await this.#ask(`churn ${serial} start`)
  }
  async churn(serial: string): Promise<Churn> {
    return (await this.#ask(`churn ${serial} report`)) as Churn
  }
  async stopChurn(serial: string): Promise<Churn> {
    return (await this.#ask(`churn ${serial} stop`)) as Churn
  }

  /** Lines with "I/O error" in the guest's kernel log. */
  async ioErrors(): Promise<number> {
    return (await this.#ask('errors')) as number
  }

  async boot(): Promise<Boot> {
    return (await this.#ask('boot')) as Boot
  }

  /** Makes the kernel look for disks by itself, as if an event were lost. */
  async rescan(): Promise<void> {
    await this.#ask('rescan')
  }

  /** The guest's own reboot, through its kernel; resolves when its agent answers again. */
  async reboot(): Promise<void> {
    const { bootId } = await this.boot()
    await this.#ask('reboot')
    await until(`${this.name} to boot again`, async () => ((await this.#ask('boot', 500)) as Boot).bootId !== bootId)
    await this.disks()
  }

  /** The guest's own shutdown; resolves when libvirt says that it is off. */
  async poweroff(): Promise<void> {
    await this.#ask('poweroff')
    await until(`${this.name} to be off`, async () => !(await this.host.virsh('list --name')).split('\n').includes(this.name))
    this.close()
  }

  /** Cold-boots the defined domain after it was off. */
  async start(): Promise<void> {
    this.close()
    await this.host.virsh('start', this.name)
    await this.waitUntilUp()
  }

  async waitUntilUp(): Promise<void> {
    await until(`${this.name} to answer`, () => this.#ask('boot', 2000))
  }

  /** As the host sees it. Throws if no QEMU runs. */
  async qemuPid(): Promise<number> {
    return Number(await readFile(`${this.host.root}/run/libvirt/qemu/${this.name}.pid`, 'utf8'))
  }

  /** Hangs up; the guest goes on. The next question calls again. */
  close(): void {
    const channel = this.#channel
    this.#channel = null
    channel?.then((open) => open.close(), () => undefined)
  }

  async #ask(request: string, timeoutMs = PATIENCE_MS, onAnswer?: (answer: unknown) => void): Promise<unknown> {
    return (await this.#connected()).ask(request, timeoutMs, onAnswer)
  }

  async #connected(): Promise<GuestChannel> {
    const present = await this.#channel?.catch(() => null)
    if (present && !present.closed) return present
    const path = this.host.root + channelPath(this.name)
    this.#channel = GuestChannel.open(this.name, path, (event) => this.#hear(event as DiskEvent))
    return this.#channel
  }

  #hear(event: DiskEvent): void {
    if (event.action === 'lost') this.disks().catch(() => undefined)
    else this.#view.apply(event)
  }

  async #waitFor<T>(what: string, find: (disks: readonly GuestDisk[]) => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let last: readonly GuestDisk[] = []
    const end = this.#view.listen((disks) => {
      const found = find((last = disks))
      if (found !== undefined) resolve(found)
    })
    const tooLate = () => reject(new Error(`${this.name}: waited ${PATIENCE_MS} ms for ${what}; it has ${JSON.stringify(last)}`))
    const timer = setTimeout(tooLate, PATIENCE_MS)
    this.disks().catch(reject)
    return promise.finally(() => (clearTimeout(timer), end()))
  }
}
