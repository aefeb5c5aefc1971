import { Gauge, type Registry } from 'prom-client'
import type { Check } from '../agent/api.ts'
import type { LibvirtReach } from '../core/volume/status-line.ts'
import type { VmStatus } from '../model/status.ts'

/** What the gauges are read from when somebody asks: the engine, or whoever only watches. */
export interface Measured {
  vms(): readonly VmStatus[]
  connections(): readonly LibvirtReach[]
  readiness(): readonly Check[]
  /** What hotplugd is at present: `standalone`, `agent`, `companion`, or `none` while it changes over. */
  role(): string
}

type Labels = Readonly<Record<string, string>>

/** Adds what is true at the moment of asking. */
export function registerGauges(registry: Registry, measured: Measured, version: string): void {
  gauge('hotplugd_build_info', 'Always 1; the label tells the version.', ['version'], () => [{ version }])
  gauge('hotplugd_role', 'What hotplugd does on this node: standalone, agent, companion (only watches), or none while it changes over.', ['role'], () => [{ role: measured.role() }])
  gauge('hotplugd_volumes', 'Hot-plugged volumes by phase and reason.', ['phase', 'reason'], () => volumesIn(measured.vms()))
  gauge('hotplugd_vms', 'VMs that are known or wanted, by state.', ['state'], () => measured.vms().map(({ state }) => ({ state })))
  gauge('hotplugd_vm_problems', 'What cannot be used of that which is wanted in VMs, and libvirts that are away, by reason.', ['reason'], () => measured.vms().flatMap(({ problems }) => problems.map(({ reason }) => ({ reason }))))
  gauge('hotplugd_libvirts', 'libvirts of this node: connected (and their domains were read), or away.', ['state'], () => measured.connections().map(({ read }) => ({ state: read ? 'connected' : 'away' })))
  gauge('hotplugd_readiness_checks', 'Checks of /readyz by outcome: ok, failed.', ['outcome'], () => measured.readiness().map(({ ok }) => ({ outcome: ok ? 'ok' : 'failed' })))

  /** Counts what is there by its labels. */
  function gauge(name: string, help: string, labelNames: readonly string[], present: () => readonly Labels[]): void {
    const made: Gauge = new Gauge({ name, help, labelNames, registers: [registry], collect: () => recount(made, present()) })
  }
}

function recount(gauge: Gauge, present: readonly Labels[]): void {
  gauge.reset()
  for (const labels of present) gauge.inc(labels)
}

function volumesIn(vms: readonly VmStatus[]): Labels[] {
  return vms.flatMap(({ volumes }) => volumes).flatMap(({ phase, reason }) => (phase === null ? [] : [{ phase, reason }]))
}
