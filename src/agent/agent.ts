import { type DesiredSnapshot, isSameImpediment, type Origin } from '../model/desired.ts'
import type { VmKey } from '../model/ids.ts'
import type { DesiredSource } from '../ports/desired-source.ts'
import type { StatusSink } from '../ports/status-sink.ts'
import type { Decision } from '../core/volume/decide.ts'
import type { HotplugError } from '../errors.ts'
import { DesiredWorld } from './desired-world.ts'
import { DomainNews } from './domain-news.ts'
import { DomainReader } from './domain-reader.ts'
import { Foresight } from './foresight.ts'
import { GROWTH_PERIOD_MS, GrowthWatch } from './growth.ts'
import { Inventory } from './inventory.ts'
import type { AgentObserver } from './observer.ts'
import type { Ports } from './ports.ts'
import { Reconciler, retryNow } from './reconciler.ts'
import { SourceLosses } from './source-losses.ts'
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
  /** Shuts a VM down that has been without the guarantee of one of its sources for this long; absent: it is only told. */
  readonly stopUnheldAfterMs?: number
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
  readonly #losses: SourceLosses | null
  readonly #news: DomainNews
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
    this.#losses = parts.stopUnheldAfterMs === undefined ? null : new SourceLosses({ ports, graceMs: parts.stopUnheldAfterMs, stopping: (vm, volume, error) => this.#stopping(vm, volume, error) })
    this.inventory = new Inventory({ ports, world: this.world, reader, changed: (vm) => this.#changed(vm) })
    this.#news = new DomainNews({ ports, observer, world: this.world, inventory: this.inventory, reconciler: this.#reconciler })
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
    ports.domains.start(this.#news)
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

  /** What is to be done for a volume now, without doing it. */
  decision(vm: Vm, volume: Volume): Decision {
    return this.#reconciler.decision(vm, volume)
  }

  /** When the VM is asked to shut down because nothing guarantees a source of it any more, in monotonic ms; null: it is not. */
  stopsAtMs(vm: Vm): number | null {
    return this.#losses?.untilMs(vm) ?? null
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
    const heldChanged = !isSameImpediment(held, vm.held)
    vm.held = held
    vm.noticeLeaving(this.desired.leaving(vm.key))
    for (const name of wishes.keys()) vm.volume(name)
    for (const volume of vm.volumes.values()) {
      const changed = volume.want(wishes.get(volume.key.volume) ?? null)
      if (changed || wakeAll || heldChanged || volume.desired === null) this.#reconciler.wake(vm, volume)
    }
    this.#takeProblems(vm)
    this.#losses?.consider(vm)
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
    this.#losses?.consider(vm)
    vm.noticeLeaving(this.desired.leaving(vm.key))
    this.#reconciler.wakeAll(vm)
    for (const volume of vm.volumes.values()) this.#reporter.refresh(vm, volume)
    this.#reporter.changed(vm)
    if (!vm.isEmpty()) return this.world.keep(vm)
    this.world.drop(vm)
    this.#reporter.withdrawn(vm)
  }

  /** Told before it is done. */
  #stopping(vm: Vm, volume: Volume, error: HotplugError): void {
    this.#parts.observer.problem({ vm: vm.key, volume: volume.key.volume, reason: error.reason, message: error.message })
    this.#reconciler.report(vm, volume, error)
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
    this.#every(DEFINITION_PERIOD_MS, () => [...this.world.all()].filter(holdsOurs).forEach((vm) => this.#news.read(vm)))
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
