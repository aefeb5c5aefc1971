import type { FastifyInstance } from 'fastify'
import type { HistoryEntry } from '../../agent/api.ts'
import { invalid } from '../requests/fields.ts'
import { described } from '../openapi/operation.ts'
import type { RouteContext } from './context.ts'

/** What happened, oldest first. */
export interface HistoryObject {
  readonly kind: 'History'
  readonly apiVersion: 'hotplugd.io/v1'
  readonly items: readonly HistoryEntry[]
}

/** The history alone: unlike the whole engine it may be asked for again and again. */
export function historyRoute(app: FastifyInstance, { agent }: Pick<RouteContext, 'agent'>): void {
  const operation = { id: 'getHistory', doc: 'The last things that happened.', query: { limit: 'The newest so many alone.' }, answers: { 200: { doc: 'Oldest first.', json: ['History' as const] } } }
  app.get<{ Querystring: { limit?: string } }>('/debug/history', described(operation), (request, reply) => {
    const { limit = '1000' } = request.query
    if (!/^\d{1,6}$/.test(limit)) throw invalid(`limit: found '${limit.slice(0, 64)}', allowed: a number of entries`)
    const all = agent.history()
    const history: HistoryObject = { kind: 'History', apiVersion: 'hotplugd.io/v1', items: all.slice(Math.max(0, all.length - Number(limit))) }
    return reply.send(history)
  })
}
