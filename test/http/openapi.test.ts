import fastify from 'fastify'
import { Registry } from 'prom-client'
import t from 'tap'
import { addRoutes } from '../../src/http/local-api.ts'
import { LIMITS } from '../../src/http/limits.ts'
import { createServer } from '../../src/http/server.ts'
import { createWatches } from '../../src/http/watch/watches.ts'
import { validators, type OpenApi } from './answer-validator.ts'
import { FakeAgent } from './fake-agent.ts'
import { call, diagnostics, silent, startLab } from './lab.ts'

const lab = await startLab()
t.teardown(() => lab.close())
const document = (await call(lab.socket, '/openapi.json')).json as OpenApi

/** The page's files are no operations. */
const isFile = (url: string): boolean => url.startsWith('/ui/')

/** Every route that fastify makes, as the document would name it. */
function routesOfServer(): string[] {
  const app = createServer(LIMITS, silent)
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    if (!isFile(url)) routes.push(`${String(method).toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  const agent = new FakeAgent()
  const options = { agent, log: silent, registry: new Registry(), version: '1', groups: { admin: null, socket: null }, diagnostics: diagnostics() }
  addRoutes(app, options, { agent, log: silent, peers: () => null, watches: createWatches(agent, LIMITS, silent), requireNamespace: () => undefined })
  return routes.sort()
}

t.test('the document has every route, and no other', async t => {
  const told = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method} ${path}`))
  t.same(told.sort(), routesOfServer())
  t.ok(told.length > 15)
})

t.test('it is OpenAPI 3.1: operations have their own names, parameters are declared, references lead somewhere', async t => {
  t.match(document, { openapi: /^3\.1\./, info: { title: /hotplugd/, version: '1.2.3' } })
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.values(methods).map(operation => ({ path, operation })))
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
  for (const { path, operation } of operations) {
    const declared = operation.parameters.filter(parameter => parameter.in === 'path').map(parameter => `{${parameter.name}}`)
    t.same(declared, path.match(/\{\w+\}/g) ?? [], path)
    t.ok(operation.summary.endsWith('.') && operation.responses['default'] !== undefined, operation.operationId)
  }
  const named: readonly string[] = JSON.stringify(document).match(/#\/components\/schemas\/\w+/g) ?? []
  for (const name of new Set(named)) t.ok(document.components.schemas[name.split('/').at(-1) ?? ''], name)
  t.same(Object.keys(document.components.schemas).filter(name => !named.includes(`#/components/schemas/${name}`)), [], 'no schema that nobody uses')
  t.doesNotThrow(() => validators(document), 'and each is a JSON Schema')
})

t.test('a route that does not say what it is for cannot be made', async t => {
  const app = fastify()
  const { catalogueOf } = await import('../../src/http/openapi/catalogue.ts')
  catalogueOf(app)
  t.throws(() => app.get('/secret', () => 'x'), { message: 'route GET /secret does not say what it is for' })
  await app.close()
})
