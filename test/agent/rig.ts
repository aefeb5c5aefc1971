import type { Test } from 'tap'
import { Agent } from '../../src/agent/agent.ts'
import { History } from '../../src/agent/history.ts'
import { LocalAgent } from '../../src/agent/local-agent.ts'
import { Requests } from '../../src/agent/requests.ts'
import { WatchHub } from '../../src/agent/watch-hub.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { FakeDomains, FakeHost, FakeJournal, FakeLedger, FakeStore, systemClock } from './fakes.ts'

export const VM = 'default/vm1' as VmKey
export const REF = { namespace: 'default', name: 'vm1' }
const DEADLINE_MS = 20_000

/** A whole engine over fakes; what would survive a SIGKILL survives `crash`. */
export class Rig {
  readonly domains = new FakeDomains()
  readonly host = new FakeHost(this.domains)
  readonly journal = new FakeJournal()
  readonly ledger = new FakeLedger()
  readonly store = new FakeStore()
  readonly manifests = new FakeStore()
  hotplugEnabled = true
  stopUnheldAfterMs: number | null = null
  agent!: Agent
  api!: LocalAgent

  async start(): Promise<this> {
    const { domains, journal, ledger, store, hotplugEnabled } = this
    const ports = { clock: systemClock, domains, journal, ledger, ...this.host.ports() }
    const hub = new WatchHub()
    const history = new History(systemClock)
    const observer = { phaseChanged() {}, stagePassed() {}, actEnded() {}, problem() {}, note() {}, failed() {} }
    const sources = [{ origin: 'request', source: store }, { origin: 'manifest', source: this.manifests }] as const
    this.agent = new Agent({ ports, sources, sinks: [hub], observer, hotplugEnabled, ...(this.stopUnheldAfterMs === null ? {} : { stopUnheldAfterMs: this.stopUnheldAfterMs }) })
    const requests = new Requests({ agent: this.agent, ports, store, hotplugEnabled })
    this.api = new LocalAgent({ agent: this.agent, ports, requests, hub, history, sinks: [], readiness: { needsEveryLibvirt: true, checks: () => [] } })
    await this.agent.start()
    return this
  }

  async crash(): Promise<void> {
    await this.agent.stop()
  }

  /** Adds a volume whose image exists. */
  async add(name: string, over: { persist?: boolean; shareable?: boolean; path?: string; serial?: string } = {}): Promise<void> {
    const path = over.path ?? `/images/${name}`
    if (!this.host.sizes.has(path)) this.host.sizes.set(path, 4096)
    const disk = { serial: over.serial ?? name, readonly: false, shareable: over.shareable ?? false }
    const source = { kind: 'local', path, format: 'raw' } as const
    await this.api.addVolume({ vm: REF, name, source, disk, persist: over.persist ?? false, dryRun: false })
  }

  async remove(name: string, persist = false): Promise<void> {
    await this.api.removeVolume({ vm: REF, name, persist, dryRun: false })
  }

  volume(name: string) {
    return this.api.vm(REF)?.volumes.find((volume) => volume.name === name)
  }

  phase(name: string): string | null | undefined {
    return this.volume(name)?.phase
  }
}

/** A rig with one running VM, stopped when the test ends. */
export async function rig(t: Test, prepare: (rig: Rig) => void = () => {}): Promise<Rig> {
  const made = new Rig()
  made.domains.addDomain(VM)
  prepare(made)
  t.teardown(() => made.agent.stop())
  await made.start()
  await until(() => made.api.readiness().every(({ ok }) => ok), 'the first reconcile')
  return made
}

/** Waits until something is so. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + DEADLINE_MS
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited too long for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
