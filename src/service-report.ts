import type { ServiceManager } from './adapters/linux/service-manager.ts'
import type { Composed } from './compose.ts'
import { statusLine } from './core/volume/status-line.ts'
import type { Clock } from './ports/clock.ts'

/** People read it; systemd need not hear of each of a hundred volumes. */
const PERIOD_MS = 1_000

export interface ReportOptions {
  readonly clock: Clock
  /** Ends the report. */
  readonly signal: AbortSignal
}

/** Keeps the service manager's STATUS line true: told on a change, at most once a second. */
export function reportService({ connections, api }: Composed, service: ServiceManager, { clock, signal }: ReportOptions): void {
  let told = ''
  let isStale = true
  const endWatch = api.watch(() => { isStale = true })
  signal.addEventListener('abort', endWatch, { once: true })
  const look = (): void => {
    if (signal.aborted) return
    clock.after(PERIOD_MS, look)
    const reach = connections()
    isStale ||= JSON.stringify(reach) !== told
    if (!isStale) return
    told = JSON.stringify(reach)
    isStale = false
    service.status(statusLine(api.vms(), reach))
  }
  clock.after(PERIOD_MS, look)
}
