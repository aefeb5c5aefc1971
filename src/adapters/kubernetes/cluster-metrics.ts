import { Counter, Gauge, type Registry } from 'prom-client'
import type { ReflectorState } from './watch/reflector.ts'
import type { VmiStatusSink } from './status/vmi-status-sink.ts'

/** What is counted of each watch, and what Prometheus is told about it. */
const WATCH_COUNTS = {
  watches: ['hotplugd_api_watch_starts_total', 'Watches that were opened, one after another.'],
  lists: ['hotplugd_api_watch_lists_total', 'Whole lists that were read.'],
  failures: ['hotplugd_api_watch_failures_total', 'Lists and watches that failed.'],
  badLines: ['hotplugd_api_watch_bad_lines_total', 'Watches that were ended because of a line that could not be read.'],
  hangs: ['hotplugd_api_watch_hangs_total', 'Watches that hung and were ended.'],
} as const satisfies Partial<Record<keyof ReflectorState, readonly [string, string]>>

/** Adds what there is to be told of the watches; read when somebody asks. */
export function registerWatchMetrics(registry: Registry, states: () => readonly ReflectorState[]): void {
  const registers = [registry]
  gauge('hotplugd_api_watch_synced', 'Whether a whole list was read (1) or not (0).', ({ synced }) => Number(synced))
  gauge('hotplugd_api_watch_reachable', 'Whether the API server can be read at present (1) or not (0).', ({ trouble }) => Number(trouble === null))
  gauge('hotplugd_api_watch_age_seconds', 'Time since the API server last said anything.', ({ ageMs }) => ageMs / 1_000)
  for (const [key, [name, help]] of Object.entries(WATCH_COUNTS)) {
    const counter: Counter<'watch'> = new Counter({ name, help, labelNames: ['watch'], registers, collect: () => recount(counter, states().map((state) => [{ watch: state.name }, state[key as keyof typeof WATCH_COUNTS]])) })
  }

  function gauge(name: string, help: string, valueOf: (state: ReflectorState) => number): void {
    const made: Gauge<'watch'> = new Gauge({ name, help, labelNames: ['watch'], registers, collect: () => states().forEach((state) => made.set({ watch: state.name }, valueOf(state))) })
  }
}

/** Adds what there is to be told of writes to the API server; read when somebody asks. */
export function registerWriteMetrics(registry: Registry, sink: Pick<VmiStatusSink, 'counts'>): void {
  const registers = [registry]
  const writes: Counter<'outcome'> = new Counter({
    name: 'hotplugd_api_status_writes_total',
    help: 'Writes of VMI status by how they ended: done, conflict (somebody else was first), failed.',
    labelNames: ['outcome'],
    registers,
    collect: () => {
      const { writes: done, conflicts: conflict, failures: failed } = sink.counts()
      recount(writes, Object.entries({ done, conflict, failed }).map(([outcome, count]) => [{ outcome }, count]))
    },
  })
  const events: Counter<'outcome'> = new Counter({
    name: 'hotplugd_api_events_total',
    help: 'Kubernetes Events by what became of them: written, dropped.',
    labelNames: ['outcome'],
    registers,
    collect: () => recount(events, [[{ outcome: 'written' }, sink.counts().events], [{ outcome: 'dropped' }, sink.counts().eventsDropped]]),
  })
}

function recount<L extends string>(counter: Counter<L>, counts: readonly (readonly [Record<L, string>, number])[]): void {
  counter.reset()
  for (const [labels, count] of counts) counter.inc(labels, count)
}
