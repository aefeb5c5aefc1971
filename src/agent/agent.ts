import type { DesiredSnapshot, Origin } from '../model/desired.ts'
import type { VmKey } from '../model/ids.ts'
import type { DesiredSource } from '../ports/desired-source.ts'
import type { StatusSink } from '../ports/status-sink.ts'
import { asHotplugError } from '../errors.ts'
import { DesiredWorld } from './desired-world.ts'
import { DomainReader } from './domain-reader.ts'
import { Foresight } from './foresight.ts'
import { GROWTH_PERIOD_MS, GrowthWatch } from './growth.ts'
import { Inventory } from './inventory.ts'
import type { AgentObserver } from './observer.ts'
import type { Ports } from './ports.ts'
import { Reconciler, retryNow } from './reconciler.ts'
import { Reporter } from './reporter.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'
import { World } from './world.ts'

const DEFINITION_PERIOD_MS = 10_000

/** One source of desired state, under the name by which volumes remember it. */
export interface NamedSource {
  readonly origin: Origin['kind']
  readonly source: DesiredSource
}

/** All that the engine is given; it never learns which mode it runs in. */
export interface AgentParts {
  readonly ports: Ports
  /** In order of precedence. */
  readonly sources: readonly NamedSource[]
  readonly sinks: readonly StatusSink[]
  readonly observer: AgentObserver
  readonly hotplugEnabled: boolean
}

/** The engine: brings the actual world to the desired one, for every VM of the node. */
export class Agent {
  readonly world: World
  readonly desired: DesiredWorld
  readonly inventory: Inventory
  readonly foresight: Foresight
  /** Why some of the journal could not be used; empty when all is well. */
  journalDoubts: readonly string[] = []
  readonly #parts: AgentParts
  readonly #reconciler: Reconciler
  readonly #reporter: Reporter
  #stopped = false
  #toldProblems: ReadonlySet<string> = new Set()

  constructor(parts: AgentParts) {
    const { ports, observer, sinks, hotplugEnabled } = parts
    this.#parts = parts
    this.world = new World(ports.clock, (volume, stage) => observer.stagePassed(volume, stage))
    this.desired = new DesiredWorld(parts.sources.map(({ origin }) => origin))
    this.foresight = new Foresight(ports.clock)
    const reader = new DomainReader(ports, this.world.sources)
    this.#reporter = new Reporter(sinks, observer)
    this.#reconciler = new Reconciler({
      ports,
      observer,
      reader,
      desired: this.desired,
      sources: this.world.sources,
      reporter: this.#reporter,
      foresight: this.foresight,
      hotplugEnabled,
    })
    this.inventory = new Inventory({ ports, world: this.world, reader, changed: (vm) => this.#changed(vm) })
    this.world.sources.onFreed = () => this.#retryHeld()
  }

  /** Rebuilds the actual world from the journal, then begins to read desired state and domains. Returns once both are under way. */
  async start(): Promise<void> {
    const { ports, sources } = this.#parts
    const { records, doubts } = ports.journal.load()
    this.journalDoubts = doubts
    for (const doubt of doubts) this.#parts.observer.note('journal not fully understood', { doubt })
    for (const record of records) this.world.restore(record)
    for (const entry of ports.ledger.entries()) this.world.restorePersisted(entry)
    await Promise.all(sources.map(({ origin, source }) => source.start((snapshot) => this.#wanted(origin, snapshot))))
    ports.domains.start(this.#domainEvents())
    this.#watchGrowth()
    this.#watchDefinitions()
  }

  /** Begins nothing new. Disks stay where they are: stopping the agent never unplugs anything. */
  async stop(): Promise<void> {
    this.#reconciler.stop()
    this.#stopped = true
    await Promise.all(this.#parts.sources.map(({ source }) => source.close()))
    await this.#parts.ports.domains.close()
    this.#parts.ports.journal.close()
  }

  /** The domain as it is now. @throws HotplugError LibvirtUnavailable */
  async refresh(key: VmKey): Promise<Vm> {
    const vm = this.world.vm(key)
    await this.inventory.read(vm)
    return vm
  }

  #wanted(origin: Origin['kind'], snapshot: DesiredSnapshot): void {
    const before = new Set(this.desired.vms())
    const wasRead = this.desired.allRead
    this.desired.update(origin, snapshot)
    const keys = new Set([...before, ...this.desired.vms(), ...this.desired.vmsWithProblems()])
    for (const vm of this.world.all()) keys.add(vm.key)
    for (const key of keys) this.#wantedIn(this.world.vm(key), !wasRead || !snapshot.synced)
    this.#tellProblems()
  }

  /** Each once, for as long as it lasts. */
  #tellProblems(): void {
    const problems = new Map(this.desired.allProblems().map((problem) => [JSON.stringify(problem), problem]))
    for (const [id, problem] of problems) if (!this.#toldProblems.has(id)) this.#parts.observer.problem(problem)
    this.#toldProblems = new Set(problems.keys())
  }

  #wantedIn(vm: Vm, wakeAll: boolean): void {
    const wishes = this.desired.of(vm.key)
    const held = this.desired.held(vm.key)
    const heldChanged = held?.reason !== vm.held?.reason || held?.cause !== vm.held?.cause
    vm.held = held
    for (const name of wishes.keys()) vm.volume(name)
    for (const volume of vm.volumes.values()) {
      const changed = volume.want(wishes.get(volume.key.volume) ?? null)
      if (changed || wakeAll || heldChanged || volume.desired === null) this.#reconciler.wake(vm, volume)
    }
    this.#takeProblems(vm)
    this.inventory.want(vm)
  }

  #takeProblems(vm: Vm): void {
    const problems = this.desired.problems(vm.key)
    if (problems.length === 0 && vm.problems.length === 0) return
    vm.problems = problems
    this.#reporter.changed(vm)
  }

  /** A VM was read, or came within or out of reach. */
  #changed(vm: Vm): void {
    this.#reconciler.wakeAll(vm)
    for (const volume of vm.volumes.values()) this.#reporter.refresh(vm, volume)
    this.#reporter.changed(vm)
    if (!vm.isEmpty()) return this.world.keep(vm)
    this.world.drop(vm)
    this.#reporter.withdrawn(vm)
  }

  #domainEvents() {
    return {
      onDomain: (key: VmKey, event: string) => this.#domainChanged(key, event),
      onDiskAdded: (key: VmKey, alias: string) => this.#diskAdded(key, alias),
      onDiskRemoved: (key: VmKey, alias: string) => this.#diskRemoved(key, alias),
      onDiskRemovalFailed: (key: VmKey, alias: string) => this.#diskRemoved(key, alias),
      onConnection: (hypervisor: string, up: boolean, why: string) => this.#connection(hypervisor, up, why),
      onHypervisors: () => this.inventory.hypervisors(),
    }
  }

  #connection(hypervisor: string, up: boolean, why: string): void {
    this.#parts.observer.note(up ? 'libvirt connected' : 'libvirt not reachable', { hypervisor, why })
    for (const vm of this.world.all()) if (this.#parts.ports.domains.hypervisorOf(vm.key) === hypervisor) vm.volumes.forEach(retryNow)
    void this.inventory.connection(hypervisor, up, why)
  }

  #domainChanged(key: VmKey, event: string): void {
    this.#parts.observer.note('domain event', { vm: key, event })
    this.#read(this.world.vm(key))
  }

  /** Our own attach tells itself; anything else was done by somebody else. */
  #diskAdded(key: VmKey, alias: string): void {
    const vm = this.world.vm(key)
    const own = [...vm.volumes.values()].find((volume) => volume.alias === alias)
    if (own?.running === undefined || own.running === null) this.#read(vm)
  }

  #diskRemoved(key: VmKey, alias: string): void {
    const vm = this.world.vm(key)
    const own = [...vm.volumes.values()].find((volume) => volume.alias === alias)
    if (own === undefined) return this.#read(vm)
    this.#ownDiskRemoved(vm, own)
  }

  #ownDiskRemoved(vm: Vm, volume: Volume): void {
    retryNow(volume)
    if (volume.running !== null) volume.recheck = true
    else if (volume.actual.kind === 'detaching') volume.actual = { ...volume.actual, check: true }
    else return this.#read(vm)
    this.#reconciler.wake(vm, volume)
  }

  #read(vm: Vm): void {
    this.inventory.read(vm).catch((thrown: unknown) => {
      this.#parts.observer.note('domain could not be read', { vm: vm.key, err: asHotplugError(thrown).message })
    })
  }

  /** A source came free: whoever waits for one may have waited for it. */
  #retryHeld(): void {
    for (const [vm, volume] of this.world.volumes()) {
      if (volume.trouble?.reason !== 'SourceInUse') continue
      retryNow(volume)
      this.#reconciler.wake(vm, volume)
    }
  }

  #watchGrowth(): void {
    const watch = new GrowthWatch(this.#parts.ports, (vm, volume) => this.#reconciler.wake(vm, volume))
    this.#every(GROWTH_PERIOD_MS, () => watch.look(this.world.all()))
  }

  /** Of a disk that is put into or taken out of a definition alone (`virsh detach-disk --config`) libvirt tells nobody. */
  #watchDefinitions(): void {
    const holdsOurs = (vm: Vm): boolean => vm.reachable && [...vm.volumes.values()].some(({ persisted }) => persisted !== null)
    this.#every(DEFINITION_PERIOD_MS, () => [...this.world.all()].filter(holdsOurs).forEach((vm) => this.#read(vm)))
  }

  /** Until `stop`. */
  #every(periodMs: number, act: () => void): void {
    if (this.#stopped) return
    this.#parts.ports.clock.after(periodMs, () => {
      if (!this.#stopped) act()
      this.#every(periodMs, act)
    })
  }
}
