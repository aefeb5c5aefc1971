import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client'

const LOOK_MS = 1_000
/** By its own timer: longer than anybody looks. */
const NEVER_MS = 2 ** 31 - 1
/** Taken only when it is asked for, when the loop is free by nature, or by a timer that fires a hundred times a second. */
const BLIND = ['', 'min_', 'max_', 'mean_', 'stddev_', 'p50_', 'p90_', 'p99_'].map((name) => `nodejs_eventloop_lag_${name}seconds`)
/** Gauges that are called totals, which promtool objects to; `nodejs_active_handles` and so on tell the same. */
const MISNAMED = ['handles', 'requests', 'resources'].map((name) => `nodejs_active_${name}_total`)

/** Node's and the process's own, and how late the event loop is, looked at once a second: an agent that has nothing to do is to do nothing. */
export function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: NEVER_MS })
  for (const name of [...BLIND, ...MISNAMED]) register.removeSingleMetric(name)
  watchLoop(register)
}

function watchLoop(register: Registry): void {
  const delay = new Histogram({
    name: 'hotplugd_event_loop_delay_seconds',
    help: 'How late a timer of one second came.',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15],
    registers: [register],
  })
  let dueMs = performance.now() + LOOK_MS
  setInterval(() => {
    const nowMs = performance.now()
    delay.observe(Math.max(0, nowMs - dueMs) / 1_000)
    dueMs = nowMs + LOOK_MS
  }, LOOK_MS).unref()
}
