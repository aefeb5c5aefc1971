import { systemClock } from '../../src/adapters/system-clock.ts'
import type { Ports } from '../../src/agent/ports.ts'
import { HotplugError } from '../../src/errors.ts'
import type { DesiredSnapshot, DesiredVolume, Impediment } from '../../src/model/desired.ts'
import type { DiskPlan, LiveDisk } from '../../src/model/disk.ts'
import type { DomainView, ProcessRef } from '../../src/model/domain.ts'
import { type VmKey, type VolumeKey, vmRef, volumeId } from '../../src/model/ids.ts'
import type { PersistedDisk, VolumeRecord } from '../../src/model/record.ts'
import type { SourceIdentity } from '../../src/model/source.ts'
import type { DesiredSource } from '../../src/ports/desired-source.ts'
import type { CallOutcome, DomainListener, Domains, ExpectedDisk } from '../../src/ports/domains.ts'
import type { RequestStore } from '../../src/agent/api.ts'

/** A domain of the fake hypervisor. What QEMU has open is kept apart from what is listed, as in life. */
export interface FakeDomain {
  view: DomainView
  open: Set<string>
}

export const identityOf = (path: string): SourceIdentity => ({ kind: 'file', filesystem: '0:1', inode: path })

const plain = (over: Partial<LiveDisk>): LiveDisk => {
  const none = { device: 'disk', sourceType: 'file', format: 'raw', backing: [] }
  return { target: '', bus: 'scsi', source: null, serial: null, alias: null, address: null, readonly: false, shareable: false, ...none, ...over }
}

/** libvirt and QEMU as the engine sees them, with faults to be injected. Removal takes a turn of the event loop, as in life. */
export class FakeDomains implements Domains {
  readonly domains = new Map<VmKey, FakeDomain>()
  readonly calls: string[] = []
  listener: DomainListener | null = null
  /** Answers in place of the real behaviour; taken away after its first use. */
  nextAttach: ((plan: DiskPlan) => Promise<CallOutcome>) | null = null
  nextDetach: ((disk: ExpectedDisk) => Promise<CallOutcome>) | null = null
  /** False: the news of a removal are lost. */
  tellsRemovals = true
  /** Keeps the file open after the disk left the list until `letGo`. */
  keepsOpen = false
  /** What is kept open can be cleared: libvirt just does not know of it. */
  unlisted = false
  capacity: () => Promise<number | null> = async () => 4096
  #nextPid = 100

  addDomain(vm: VmKey, over: Partial<DomainView> = {}): FakeDomain {
    const process: ProcessRef = { pid: this.#nextPid++, startTime: '1' }
    const view: DomainView = { uuid: `uuid-${vm}`, state: 'running', persistent: true, process, disks: [], scsiControllers: [0], persistentDisks: [], ...over }
    const domain = { view, open: new Set<string>() }
    this.domains.set(vm, domain)
    return domain
  }

  start(listener: DomainListener): void {
    this.listener = listener
    setImmediate(() => listener.onConnection('default', true, 'connected'))
  }
  async close(): Promise<void> {}
  connection: Domains['connection'] = () => ({ up: true, why: '' })
  hypervisors = (): readonly string[] | null => ['default']
  hypervisorOf = (vm: VmKey) => vmRef(vm).namespace
  list = async () => [...this.domains.keys()]
  observe = async (vm: VmKey) => this.domains.get(vm)?.view ?? null
  liveDisk = async (vm: VmKey, alias: string) => this.domains.get(vm)?.view.disks.find((disk) => disk.alias === alias) ?? null

  async attach(vm: VmKey, plan: DiskPlan): Promise<CallOutcome> {
    this.calls.push(`attach ${plan.alias} ${plan.target}`)
    const injected = this.nextAttach
    this.nextAttach = null
    return injected === null ? this.reallyAttach(vm, plan) : injected(plan)
  }

  reallyAttach(vm: VmKey, plan: DiskPlan): CallOutcome {
    const domain = this.#domain(vm)
    const taken = domain.view.disks.some((disk) => disk.alias === plan.alias || disk.target === plan.target)
    if (taken) return { kind: 'refused', code: 'VIR_ERR_OPERATION_FAILED', message: `target ${plan.target} already exists` }
    this.setDisks(vm, [...domain.view.disks, diskOf(plan)])
    domain.open.add(plan.path)
    this.listener?.onDiskAdded(vm, plan.alias)
    return { kind: 'done' }
  }

  async requestDetach(vm: VmKey, expected: ExpectedDisk): Promise<CallOutcome> {
    this.calls.push(`detach ${expected.alias}`)
    const injected = this.nextDetach
    this.nextDetach = null
    if (injected !== null) return injected(expected)
    setImmediate(() => this.remove(vm, expected.alias))
    return { kind: 'done' }
  }

  /** QEMU gives the disk up. */
  remove(vm: VmKey, alias: string): void {
    const domain = this.#domain(vm)
    const disk = domain.view.disks.find((candidate) => candidate.alias === alias)
    this.setDisks(vm, domain.view.disks.filter((candidate) => candidate.alias !== alias))
    if (!this.keepsOpen && disk?.source) domain.open.delete(disk.source)
    if (this.tellsRemovals) this.listener?.onDiskRemoved(vm, alias)
  }

  async persist(vm: VmKey, plan: DiskPlan): Promise<CallOutcome> {
    this.calls.push(`persist ${plan.alias}`)
    const domain = this.#domain(vm)
    domain.view = { ...domain.view, persistentDisks: [...domain.view.persistentDisks, diskOf(plan)] }
    return { kind: 'done' }
  }

  async unpersist(vm: VmKey, expected: ExpectedDisk): Promise<CallOutcome> {
    this.calls.push(`unpersist ${expected.alias}`)
    const domain = this.#domain(vm)
    domain.view = { ...domain.view, persistentDisks: domain.view.persistentDisks.filter((disk) => disk.alias !== expected.alias) }
    return { kind: 'done' }
  }

  async clearLeftover(vm: VmKey, { alias, path }: Pick<ExpectedDisk, 'alias' | 'path'>): Promise<void> {
    this.calls.push(`clear ${alias}`)
    if (this.unlisted) this.#domain(vm).open.delete(path)
  }

  async shutdown(vm: VmKey): Promise<void> {
    this.calls.push(`shutdown ${vm}`)
  }

  capacityBytes = () => this.capacity()
  async resize(_vm: VmKey, target: string, sizeBytes: number): Promise<CallOutcome> {
    this.calls.push(`resize ${target} ${sizeBytes}`)
    return { kind: 'done' }
  }

  setDisks(vm: VmKey, disks: readonly LiveDisk[]): void {
    const domain = this.#domain(vm)
    domain.view = { ...domain.view, disks }
  }

  /** The VM ends; with `again` it starts anew from its persistent definition. */
  restart(vm: VmKey, again: boolean): void {
    const domain = this.#domain(vm)
    domain.open.clear()
    const process = again ? { pid: this.#nextPid++, startTime: '1' } : null
    const disks = again ? domain.view.persistentDisks : []
    for (const disk of disks) if (disk.source) domain.open.add(disk.source)
    domain.view = { ...domain.view, state: again ? 'running' : 'off', process, disks }
    this.listener?.onDomain(vm, again ? 'started' : 'stopped')
  }

  #domain(vm: VmKey): FakeDomain {
    const domain = this.domains.get(vm)
    if (domain === undefined) throw new Error(`no domain ${vm}`)
    return domain
  }
}

function diskOf(plan: DiskPlan): LiveDisk {
  const { target, alias, address, path: source } = plan
  return plain({ target, alias, address, source, serial: plan.disk.serial, readonly: plan.disk.readonly, shareable: plan.disk.shareable })
}

/** A journal in memory that outlives the engine above it, and tells its steps. */
export class FakeJournal {
  readonly records = new Map<string, VolumeRecord>()
  readonly steps: string[] = []
  failAt: string | null = null
  load = () => ({ records: [...this.records.values()], doubts: [] })
  append(record: VolumeRecord): void {
    if (record.step === this.failAt) throw new HotplugError('JournalUnwritable', 'no space left on device')
    this.steps.push(record.step)
    this.records.set(volumeId(record.key), record)
  }
  forget(key: VolumeKey): void {
    this.records.delete(volumeId(key))
  }
  close(): void {}
}

/** A ledger in memory. */
export class FakeLedger {
  readonly all = new Map<string, PersistedDisk>()
  entries = () => [...this.all.values()]
  async put(entry: PersistedDisk): Promise<void> {
    this.all.set(volumeId(entry.key), entry)
  }
  async remove(key: VolumeKey): Promise<void> {
    this.all.delete(volumeId(key))
  }
}

/** Requests and manifests in memory, one class for both. */
export class FakeStore implements DesiredSource, RequestStore {
  readonly name = 'fake'
  readonly volumes = new Map<string, DesiredVolume>()
  synced = true
  readonly held = new Map<VmKey, Impediment>()
  #listener: ((snapshot: DesiredSnapshot) => void) | null = null
  async start(listener: (snapshot: DesiredSnapshot) => void): Promise<void> {
    this.#listener = listener
    this.tell()
  }
  async close(): Promise<void> {}
  async put(volume: DesiredVolume): Promise<void> {
    this.volumes.set(volumeId({ vm: volume.vm, volume: volume.name }), volume)
    this.tell()
  }
  async remove(key: VolumeKey): Promise<void> {
    this.volumes.delete(volumeId(key))
    this.tell()
  }
  tell(): void {
    this.#listener?.({ synced: this.synced, volumes: [...this.volumes.values()], unreadable: [], problems: [], held: new Map(this.held) })
  }
}

/** Sources, exposures and processes over a set of paths that exist. */
export class FakeHost {
  readonly sizes = new Map<string, number>()
  readonly identities = new Map<string, SourceIdentity>()
  readonly released: string[] = []
  readonly #domains: FakeDomains
  constructor(domains: FakeDomains) {
    this.#domains = domains
  }

  ports(): Pick<Ports, 'sources' | 'exposures' | 'processes'> {
    return {
      sources: {
        resolve: async (source) => {
          if (source.kind !== 'local') throw new Error('not of this host')
          const { path, format } = source
          const sizeBytes = this.sizes.get(path)
          if (sizeBytes === undefined) throw new HotplugError('SourceMissing', `${path} does not exist`)
          return { path, format, sizeBytes, identity: identityOf(path), footprint: { same: [path], below: [] } }
        },
        identify: async ({ path }) => this.identities.get(path) ?? identityOf(path),
        footprints: async (paths) => paths.map((path) => ({ same: [path], below: [] })),
        sizes: (sources) => sources.map(({ path }) => this.sizes.get(path) ?? null),
      },
      exposures: {
        plan: (source) => ({ path: source.path, kind: 'file', handle: {} }),
        expose: async () => {},
        release: async (_vm, exposure) => void this.released.push(exposure.path),
      },
      processes: {
        alive: async (process) => this.#of(process) !== undefined,
        holdsOpen: async (process, identity) => identity.kind === 'file' && (this.#of(process)?.open.has(identity.inode) ?? false),
      },
    }
  }

  #of(process: ProcessRef): FakeDomain | undefined {
    return [...this.#domains.domains.values()].find(({ view }) => view.process?.pid === process.pid)
  }
}

export { systemClock }
