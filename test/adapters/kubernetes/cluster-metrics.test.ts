import { Registry } from 'prom-client'
import t from 'tap'
import { registerWatchMetrics, registerWriteMetrics } from '../../../src/adapters/kubernetes/cluster-metrics.ts'
import type { ReflectorState } from '../../../src/adapters/kubernetes/watch/reflector.ts'

t.test('watches and writes as metrics', async (t) => {
  const registry = new Registry()
  const vmis: ReflectorState = { name: 'vmis', synced: true, trouble: null, ageMs: 1_500, objects: 3, watches: 2, lists: 1, failures: 4, badLines: 1, hangs: 1 }
  const sink = { counts: () => ({ writes: 7, conflicts: 2, failures: 1, events: 5, eventsDropped: 0 }) }
  registerWatchMetrics(registry, () => [vmis, { ...vmis, name: 'pods', synced: false }])
  registerWriteMetrics(registry, sink)
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await registry.metrics()
    for (const line of [
      'hotplugd_api_watch_synced{watch="vmis"} 1', 'hotplugd_api_watch_synced{watch="pods"} 0', 'hotplugd_api_watch_age_seconds{watch="vmis"} 1.5',
      'hotplugd_api_watch_starts_total{watch="vmis"} 2', 'hotplugd_api_watch_failures_total{watch="vmis"} 4', 'hotplugd_api_watch_hangs_total{watch="vmis"} 1',
      'hotplugd_api_status_writes_total{outcome="done"} 7', 'hotplugd_api_status_writes_total{outcome="conflict"} 2', 'hotplugd_api_events_total{outcome="written"} 5',
    ]) t.ok(text.split('\n').includes(line), line)
  }
})
