import type { FastifyInstance } from 'fastify'
import type { Diagnostics } from '../diagnostics.ts'
import { invalid, knownFields, wordAt } from '../requests/fields.ts'
import type { Catalogue } from '../openapi/catalogue.ts'
import { described } from '../openapi/operation.ts'
import type { RouteContext } from './context.ts'

export interface LogLevelObject {
  readonly level: string
}

export interface DebugPage {
  readonly method: string
  readonly path: string
  readonly doc: string
}

/** What there is below /debug/. */
export interface DebugIndex {
  readonly pages: readonly DebugPage[]
}

/** The engine, the log, the configuration and the process, for whoever looks for the cause of something. */
export function debugRoutes(app: FastifyInstance, context: RouteContext, { diagnostics, catalogue }: { diagnostics: Diagnostics; catalogue: Catalogue }): void {
  const answer = (doc: string, json: 'DebugIndex' | 'EngineState' | 'LogLevel' | 'Configuration' | 'Process') => ({ 200: { doc, json: [json] } })
  app.get('/debug/', described({ id: 'listDebug', doc: 'What there is below /debug/.', answers: answer('The list.', 'DebugIndex') }), (_request, reply) => reply.send(indexOf(catalogue)))
  app.get('/debug/state', described({ id: 'getState', doc: 'The whole engine: both worlds, plan, queues, journal, history with timings.', answers: answer('The engine as it is now.', 'EngineState') }), (_request, reply) => reply.send(context.agent.state()))
  app.get('/debug/config', described({ id: 'getConfig', doc: 'Every option with its value and where that came from.', answers: answer('The configuration; passwords are blotted out.', 'Configuration') }), (_request, reply) => reply.send({ options: diagnostics.configuration }))
  app.get('/debug/process', described({ id: 'getProcess', doc: 'The daemon itself.', answers: answer('Its process.', 'Process') }), (_request, reply) => reply.send(diagnostics.process))
  app.get('/debug/log', described({ id: 'getLog', doc: 'The last lines of the log.', answers: { 200: { doc: 'One JSON object a line, oldest first.', text: 'text/plain' } } }), (_request, reply) => reply.type('text/plain').send(diagnostics.recentLog().join('')))
  logLevelRoutes(app, context, diagnostics)
}

function logLevelRoutes(app: FastifyInstance, context: RouteContext, { level }: Diagnostics): void {
  const answers = { 200: { doc: 'The level that holds.', json: ['LogLevel' as const] } }
  app.get('/debug/log-level', described({ id: 'getLogLevel', doc: 'How much is logged.', answers }), (_request, reply) => reply.send({ level: level.current() }))
  app.put('/debug/log-level', described({ id: 'putLogLevel', doc: 'Changes how much is logged, until the daemon ends.', body: 'LogLevel', answers }), (request, reply) => {
    const before = level.current()
    level.choose(readLevel(request.body, level.words))
    context.log.info({ uid: context.peers(request.socket)?.uid ?? null, before, now: level.current() }, 'log level changed')
    return reply.send({ level: level.current() })
  })
}

function readLevel(body: unknown, words: readonly string[]): string {
  const level = wordAt(knownFields(body, 'LogLevel', ['level']), 'level', 'LogLevel', words)
  if (level === null) throw invalid(`LogLevel.level is required, one of: ${words.join(', ')}`)
  return level
}

function indexOf(catalogue: Catalogue): DebugIndex {
  const below = catalogue.routes().filter(({ url }) => url.startsWith('/debug/'))
  return { pages: below.map(({ method, url, operation }) => ({ method, path: url, doc: operation.doc })) }
}
