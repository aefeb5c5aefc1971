import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDomains, type DomainsOptions } from '../../../src/adapters/libvirt/domains.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'
import { HotplugError } from '../../../src/errors.ts'
import { aliasOf, type DiskPlan, type ExpectedDisk } from '../../../src/model/disk.ts'
import { vmKey, type VmKey } from '../../../src/model/ids.ts'
import type { DomainListener, Domains } from '../../../src/ports/domains.ts'
import { until, type Teardown } from '../../support/lab.ts'

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Domains over one libvirt, with everything they told. */
export interface Rig {
  readonly domains: Domains
  /** `disk-added vm ua-x`, `domain vm started/booted`, `connection true connected`, … in order. */
  readonly events: string[]
  /** Resolves when the event has been told. */
  told(event: string): Promise<unknown>
  up(): Promise<unknown>
}

export const NAMESPACE = 'default'

export function key(name: string): VmKey {
  return vmKey({ namespace: NAMESPACE, name })
}

export function openRig(t: Teardown, uri: string, options: Partial<DomainsOptions> = {}): Rig {
  const domains = createDomains({ uris: new Map([[NAMESPACE, uri]]), ...COMMON, ...options })
  return rigOf(t, domains, NAMESPACE)
}

/** What a test gives every libvirt. */
export const COMMON = { log: quiet, clock: systemClock, callDeadlineMs: 20_000 }

/** Starts domains; `hypervisor` is the one whose connection is waited for. */
export function rigOf(t: Teardown, domains: Domains, hypervisor: string): Rig {
  const events: string[] = []
  // The adapter keeps no process alive by itself, but a test must go on while it waits for the adapter.
  const awake = setInterval(() => {}, 60_000)
  t.teardown(() => clearInterval(awake))
  t.teardown(() => domains.close())
  domains.start(recorder(events))
  return {
    domains,
    events,
    told: (event) => until(event, () => events.includes(event)),
    up: () => until('a connection', () => domains.connection(hypervisor)?.up),
  }
}

function recorder(events: string[]): DomainListener {
  const note = (kind: string) => (vm: VmKey, detail: string) => void events.push(`${kind} ${vm} ${detail}`)
  return {
    onDomain: note('domain'),
    onDiskAdded: note('disk-added'),
    onDiskRemoved: note('disk-removed'),
    onDiskRemovalFailed: note('disk-removal-failed'),
    onConnection: (_, up, why) => void events.push(`connection ${up} ${why}`),
    onHypervisors: () => void events.push('hypervisors'),
  }
}

/** The reason of the HotplugError that the promise is rejected with. */
export async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then((value) => `resolved: ${JSON.stringify(value)}`, (thrown: unknown) => thrown)
  return error instanceof HotplugError ? error.reason : String(error)
}

/** A directory that is gone after the test. */
export async function makeDirectory(t: Teardown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-libvirt-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function makeImage(directory: string, name = 'disk.img', sizeBytes = 1 << 20): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  return path
}

/** A disk plan on unit `unit`; `change` overrides. */
export function planOf(path: string, volume = 'data', unit = 0, change: Partial<DiskPlan> = {}): DiskPlan {
  return {
    volume,
    alias: aliasOf(volume),
    target: `sd${String.fromCharCode(97 + unit)}`,
    address: { controller: 0, bus: 0, target: 0, unit },
    sourceKind: 'file',
    path,
    format: 'raw',
    disk: { serial: volume, readonly: false, shareable: false },
    ...change,
  }
}

export function expectedOf(plan: DiskPlan): ExpectedDisk {
  const { alias, target, path, address, disk } = plan
  return { alias, target, path, address, serial: disk.serial }
}

/** Asks for the removal and waits until libvirt lists the disk no more; never asks twice. */
export async function remove(rig: Rig, vm: VmKey, plan: DiskPlan): Promise<void> {
  const outcome = await rig.domains.requestDetach(vm, expectedOf(plan))
  if (outcome.kind !== 'done') throw new Error(`detach of ${plan.alias}: ${JSON.stringify(outcome)}`)
  await until(`${plan.alias} to go`, async () => (await rig.domains.liveDisk(vm, plan.alias)) === null)
}
