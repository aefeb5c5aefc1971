import { Counter, type Registry } from 'prom-client'

/** Adds what there is to be told of device rules; read when somebody asks. */
export function registerRuleMetrics(registry: Registry, exposures: { rulesRestored(): number }): void {
  const counter: Counter = new Counter({
    name: 'hotplugd_device_rules_restored_total',
    help: 'Device rules of launchers that were taken away by others and put back.',
    registers: [registry],
    collect: () => {
      counter.reset()
      counter.inc(exposures.rulesRestored())
    },
  })
}
