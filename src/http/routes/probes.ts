import type { FastifyInstance } from 'fastify'
import type { AgentApi, Check } from '../../agent/api.ts'

/** What prom-client's Registry offers, as far as it is used. */
export interface MetricsRegistry {
  readonly contentType: string
  metrics(): Promise<string>
}

/** /livez, /healthz, /readyz, /metrics. */
export function probeRoutes(app: FastifyInstance, agent: AgentApi, registry: MetricsRegistry): void {
  // That this answers at all is the proof: the event loop turns.
  app.get('/livez', (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get<{ Querystring: { verbose?: string } }>('/readyz', (request, reply) => {
    const checks = agent.readiness()
    const ready = checks.every(check => check.ok)
    const short = ready && request.query.verbose === undefined
    return reply.code(ready ? 200 : 503).type('text/plain').send(short ? 'ok\n' : verbose(checks, ready))
  })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
}

/** In the style of Kubernetes' own components. */
function verbose(checks: readonly Check[], ready: boolean): string {
  const lines = checks.flatMap(({ ok, name, message, note, warnings = [] }) => [
    ok ? `[+]${name} ok${note === undefined ? '' : `: ${note}`}` : `[-]${name}: ${message}`,
    ...warnings.map(warning => `[!]${name}: ${warning.replaceAll('\n', ' ')}`),
  ])
  return `${[...lines, `readyz check ${ready ? 'passed' : 'failed'}`].join('\n')}\n`
}
