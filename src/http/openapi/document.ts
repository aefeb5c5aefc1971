import type { AnswerDoc, Operation, SchemaName } from './operation.ts'
import { ref, type Schema } from './schema.ts'
import { SCHEMAS } from './schemas.ts'

/** A route that says what it is for. */
export interface DescribedRoute {
  readonly method: string
  /** As fastify has it: `/namespaces/:ns`. */
  readonly url: string
  readonly operation: Operation
}

type Json = Readonly<Record<string, unknown>>

/** The whole API as an OpenAPI 3.1 document. */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) (paths[templateOf(route.url)] ??= {})[route.method.toLowerCase()] = operationOf(route)
  return {
    openapi: '3.1.0',
    info: { title: 'hotplugd, node-local API', version, description: ABOUT, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: 'http://localhost', description: 'The unix socket /run/hotplugd/hotplugd.sock (--socket).' }],
    tags: [{ name: 'socket', description: 'On the unix socket alone.' }, { name: 'public', description: 'On the TCP listener (--listen) too.' }],
    paths,
    components: { schemas: SCHEMAS },
  }
}

const ABOUT = 'Who asks is known by the peer credentials of the socket: root and --admin-group may change, --socket-group may read. Every refusal is a Status.'

/** `/namespaces/:ns` as `/namespaces/{ns}`. */
function templateOf(url: string): string {
  return url.replace(/:(\w+)/g, '{$1}')
}

function operationOf({ url, operation }: DescribedRoute): Json {
  const { id, doc, query = {}, body, answers, isPublic = false } = operation
  const refused = { default: { description: 'Refused, with cause and remedy.', content: { 'application/json': { schema: ref('Status') } } } }
  return {
    operationId: id, summary: doc, tags: [isPublic ? 'public' : 'socket'],
    parameters: [...pathParameters(url), ...Object.entries(query).map(([name, description]) => ({ name, in: 'query', required: false, description, schema: { type: 'string' } }))],
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } } }),
    responses: { ...Object.fromEntries(Object.entries(answers).map(([code, answer]) => [code, responseOf(answer)])), ...refused },
  }
}

const PARAMETERS: Readonly<Record<string, string>> = { ns: 'Namespace of the VM.', name: 'Name of the VM.', volume: 'Name of the volume.' }

function pathParameters(url: string): readonly Json[] {
  return [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => ({ name, in: 'path', required: true, description: PARAMETERS[name] ?? name, schema: { type: 'string' } }))
}

function responseOf({ doc, json, lines = [], text, headers }: AnswerDoc): Json {
  const content = json !== undefined ? { 'application/json': { schema: oneOf([...json, ...lines]) } } : text !== undefined ? { [text]: { schema: { type: 'string' } } } : null
  const described = headers === undefined ? {} : { headers: Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }])) }
  return { description: lines.length === 0 ? doc : `${doc} With watch=true a stream: one ${lines.join(' or ')} a line.`, ...described, ...(content === null ? {} : { content }) }
}

function oneOf(names: readonly SchemaName[]): Schema {
  const [first] = names
  return names.length === 1 && first !== undefined ? ref(first) : { oneOf: names.map(ref) }
}
