import { collectDefaultMetrics, type Registry } from 'prom-client'

/** By its own timer: longer than anybody looks. */
const NEVER_MS = 2 ** 31 - 1
const FROM_A_TIMER = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((name) => `nodejs_eventloop_lag_${name}_seconds`)
/** Gauges that are called totals, which promtool objects to; `nodejs_active_handles` and so on tell the same. */
const MISNAMED = ['handles', 'requests', 'resources'].map((name) => `nodejs_active_${name}_total`)

/** Node's and the process's own, without what needs a timer that fires a hundred times a second: an agent that has nothing to do is to do nothing. */
export function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: NEVER_MS })
  for (const name of [...FROM_A_TIMER, ...MISNAMED]) register.removeSingleMetric(name)
}
