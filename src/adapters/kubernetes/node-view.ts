import type { BaseLogger } from 'pino'
import type { PodFacts } from '../../core/cluster/pod-facts.ts'
import { readVmi, type Vmi } from '../../core/cluster/vmi.ts'
import { isOver, launcherAmong } from '../../core/cluster/vmi-pods.ts'
import { type VmKey, vmKey } from '../../model/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ApiReader } from './api/api-client.ts'
import { FeatureGate } from './feature-gate.ts'
import type { Change } from './watch/object-store.ts'
import { type Missing, Inquiries } from './watch/inquiries.ts'
import { vmiPath, VMIS_PATH } from './api/paths.ts'
import { PodMirror } from './pod-mirror.ts'
import { Reflector, type ReflectorState } from './watch/reflector.ts'
import type { ReflectorTimes } from './watch/reflector-times.ts'

/** What every mirror is given. */
export interface ReflectorCommon {
  readonly client: ApiReader
  readonly clock: Clock
  readonly log: BaseLogger
  readonly times?: Partial<ReflectorTimes>
}

export interface NodeViewOptions extends ReflectorCommon {
  readonly node: string
  /** Whether volumes may be hot-plugged where no KubeVirt CR says so or not. */
  readonly hotplug: boolean
  /** How the KubeVirt CR is read. */
  readonly gateTimes?: Partial<ReflectorTimes>
}

/** A VMI that this node has to do with. */
export interface KnownVmi {
  readonly vm: VmKey
  readonly vmi: Vmi
  /** `here`: this agent is in charge of it. */
  readonly place: 'here' | 'elsewhere' | 'unknown'
  readonly launcher: PodFacts | null
  /** Why it is not known where it is; empty where it is known, or nobody was asked yet. */
  readonly why: string
}

/**
 * What the API server holds that concerns this node: its VMIs and its pods, watched, and the KubeVirt CR, polled. Whoever
 * listens is called once after each change, however many objects it is made of.
 */
export class NodeView {
  readonly node: string
  readonly gate: FeatureGate
  readonly #vmis: Reflector<Vmi>
  readonly #pods: PodMirror
  readonly #whereabouts: Inquiries<Vmi>
  readonly #listeners = new Set<() => void>()
  /** VMIs that left the mirror, as they were last, until it is known what became of them. */
  readonly #departed = new Map<string, Vmi>()
  #podsByController: ReadonlyMap<string, readonly PodFacts[]> = new Map()
  #known: ReadonlyMap<VmKey, KnownVmi> = new Map()
  #unknownVms: ReadonlyMap<VmKey, string> = new Map()
  #isDue = false

  constructor({ node, hotplug, gateTimes, ...common }: NodeViewOptions) {
    this.node = node
    const changed = (): void => this.#changed()
    this.gate = new FeatureGate({ ...common, times: { ...common.times, ...gateTimes }, own: hotplug, onChange: changed })
    const vmiQuery = { labelSelector: `kubevirt.io/nodeName=${node}` }
    this.#vmis = new Reflector<Vmi>({ ...common, name: 'vmis', path: VMIS_PATH, query: vmiQuery, read: readVmi, onChange: (changes) => this.#vmisChanged(changes), onState: changed })
    this.#pods = new PodMirror({ ...common, node, onChange: changed })
    this.#whereabouts = new Inquiries<Vmi>({ ...common, what: 'VMI', path: vmiPath, read: readVmi, onAnswer: changed })
  }

  start(): void {
    for (const part of [this.gate, this.#vmis, this.#pods]) part.start()
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    this.#whereabouts.close()
    await Promise.all([this.gate, this.#vmis, this.#pods].map((part) => part.close()))
  }

  /** Calls back after each change, in the order of subscription. Returns what ends it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** VMIs and pods were read whole once, and so were the feature gates, if there are any. */
  get isSynced(): boolean {
    return this.#vmis.state().synced && this.#pods.state().synced && this.gate.isKnown
  }

  /** The API server answers, as far as is known. */
  get isReachable(): boolean {
    return this.#vmis.state().trouble === null
  }

  /** Every VMI that this node has to do with. */
  all(): Iterable<KnownVmi> {
    return this.#known.values()
  }

  get(vm: VmKey): KnownVmi | null {
    return this.#known.get(vm) ?? null
  }

  /** VMs whose launcher is here, and of whose VMI nothing is known yet, and why. */
  unknownVms(): Iterable<readonly [VmKey, string]> {
    return this.#unknownVms
  }

  /** Pods that this pod controls. */
  podsOf(controller: PodFacts | null): readonly PodFacts[] {
    return controller === null ? [] : (this.#podsByController.get(controller.uid) ?? [])
  }

  /** Takes over a VMI that came as an answer: newer than what the watch has told so far. */
  observe(object: unknown): void {
    this.#vmis.observe(object)
  }

  states(): readonly ReflectorState[] {
    return [this.#vmis.state(), this.#pods.state(), this.gate.state()]
  }

  #vmisChanged(changes: readonly Change<Vmi>[]): void {
    for (const { kind, object } of changes) {
      if (kind === 'deleted') this.#departed.set(object.uid, object)
      else this.#departed.delete(object.uid)
    }
    this.#changed()
  }

  #changed(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      if (this.isSynced) this.#refresh()
      for (const listener of this.#listeners) listener()
    })
  }

  #refresh(): void {
    this.#podsByController = byController(this.#pods.all())
    this.#whereabouts.seek(this.#missing())
    const here = [...this.#vmis.store.all()].map((vmi) => this.#knownVmi(vmi, 'here'))
    const departed = [...this.#departed.values()].flatMap((vmi) => this.#departedVmi(vmi))
    const strangers = this.#orphans().flatMap(({ uid }) => this.#strangeVmi(uid))
    this.#known = new Map([...strangers, ...departed, ...here].map((known) => [known.vm, known]))
    this.#unknownVms = new Map(this.#orphans().flatMap((orphan) => this.#unknownVm(orphan)))
  }

  #unknownVm(orphan: Missing): (readonly [VmKey, string])[] {
    const whereabouts = this.#whereabouts.of(orphan.uid)
    return whereabouts.kind === 'unknown' ? [[vmKey(orphan), whereabouts.why]] : []
  }

  #missing(): Missing[] {
    for (const vmi of this.#departed.values()) if (this.#isSettled(vmi)) this.#departed.delete(vmi.uid)
    return [...this.#departed.values(), ...this.#orphans()]
  }

  /** Another VMI has its name, or it is known to be gone, or to be elsewhere and to have left nothing here. */
  #isSettled(vmi: Vmi): boolean {
    if (this.#vmis.store.byName(vmi.namespace, vmi.name) !== undefined) return true
    const { kind } = this.#whereabouts.of(vmi.uid)
    return kind === 'gone' || (kind === 'there' && !this.#hasLauncher(vmi.uid))
  }

  /** VMIs whose launcher runs here and that are not this node's: one that migrates, one that was just deleted. Not one whose name another has by now. */
  #orphans(): Missing[] {
    return [...this.#podsByController].flatMap(([uid, pods]) => {
      if (this.#vmis.store.get(uid) !== undefined || this.#departed.has(uid)) return []
      const launcher = pods.find((pod) => pod.controller?.kind === 'VirtualMachineInstance' && !isOver(pod))
      const name = launcher?.controller?.name ?? ''
      if (launcher === undefined || this.#vmis.store.byName(launcher.namespace, name) !== undefined) return []
      return [{ uid, namespace: launcher.namespace, name }]
    })
  }

  #hasLauncher(uid: string): boolean {
    return (this.#podsByController.get(uid) ?? []).some((pod) => !isOver(pod))
  }

  #departedVmi(vmi: Vmi): KnownVmi[] {
    const whereabouts = this.#whereabouts.of(vmi.uid)
    if (whereabouts.kind === 'there') return [this.#knownVmi(whereabouts.object, 'elsewhere')]
    return whereabouts.kind === 'unknown' ? [this.#knownVmi(vmi, 'unknown', whereabouts.why)] : []
  }

  #strangeVmi(uid: string): KnownVmi[] {
    const whereabouts = this.#whereabouts.of(uid)
    return whereabouts.kind === 'there' ? [this.#knownVmi(whereabouts.object, 'elsewhere')] : []
  }

  #knownVmi(vmi: Vmi, place: KnownVmi['place'], why = ''): KnownVmi {
    return { vm: vmKey(vmi), vmi, place, why, launcher: launcherAmong(this.#podsByController.get(vmi.uid) ?? [], vmi, this.node) }
  }
}

function byController(pods: Iterable<PodFacts>): Map<string, PodFacts[]> {
  const found = new Map<string, PodFacts[]>()
  for (const pod of pods) {
    if (pod.controller === null) continue
    const group = found.get(pod.controller.uid)
    if (group === undefined) found.set(pod.controller.uid, [pod])
    else group.push(pod)
  }
  return found
}
