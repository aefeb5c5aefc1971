import type { FastifyInstance } from 'fastify'
import type { AgentApi, Check } from '../../agent/api.ts'
import { described } from '../openapi/operation.ts'

/** What prom-client's Registry offers, as far as it is used. */
export interface MetricsRegistry {
  readonly contentType: string
  metrics(): Promise<string>
}

const TEXT = 'text/plain'

/** `anybody`: whoever reaches the port, who is told no names of VMs. */
export interface ProbeParts {
  readonly agent: AgentApi
  readonly registry: MetricsRegistry
  readonly askers: 'anybody' | 'readers'
}

/** /livez, /healthz, /readyz, /metrics. */
export function probeRoutes(app: FastifyInstance, { agent, registry, askers }: ProbeParts): void {
  // That this answers at all is the proof: the event loop turns.
  app.get('/livez', probe('getLivez', 'Whether a restart would help: it answers, so it would not.', 'ok'), (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/healthz', probe('getHealthz', 'The same as /livez.', 'ok'), (_request, reply) => reply.type('text/plain').send('ok\n'))
  const readyz = { ...probe('getReadyz', 'Whether everything that was there at the start is in order.', 'ok, or every check a line.').config.operation, query: { verbose: 'Every check a line.' } }
  const unready = { 503: { doc: 'Not yet: every check a line.', text: TEXT } }
  app.get<{ Querystring: { verbose?: string } }>('/readyz', described({ ...readyz, answers: { ...readyz.answers, ...unready } }), (request, reply) => {
    const checks = askers === 'anybody' ? withoutNames(agent.readiness()) : agent.readiness()
    const ready = checks.every(check => check.ok)
    const short = ready && request.query.verbose === undefined
    return reply.code(ready ? 200 : 503).type('text/plain').send(short ? 'ok\n' : verbose(checks, ready))
  })
  app.get('/metrics', probe('getMetrics', 'What Prometheus is told.', 'Metrics as text.'), async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
}

function probe(id: string, doc: string, answer: string): ReturnType<typeof described> {
  return described({ id, doc, answers: { 200: { doc: answer, text: TEXT } }, isPublic: true })
}

/** How many of those that are named after VMs are well, in place of each. */
function withoutNames(checks: readonly Check[]): readonly Check[] {
  const named = checks.filter(({ namesVm }) => namesVm === true)
  if (named.length === 0) return checks
  const well = named.filter(({ ok, warnings = [] }) => ok && warnings.length === 0).length
  const count = `${well} of ${named.length} connected`
  return [...checks.filter((check) => !named.includes(check)), { name: 'libvirts', ok: named.every(({ ok }) => ok), message: count, note: count }]
}

/** In the style of Kubernetes' own components. */
function verbose(checks: readonly Check[], ready: boolean): string {
  const lines = checks.flatMap(({ ok, name, message, note, warnings = [] }) => [
    ok ? `[+]${name} ok${note === undefined ? '' : `: ${note}`}` : `[-]${name}: ${message}`,
    ...warnings.map(warning => `[!]${name}: ${warning.replaceAll('\n', ' ')}`),
  ])
  return `${[...lines, `readyz check ${ready ? 'passed' : 'failed'}`].join('\n')}\n`
}
