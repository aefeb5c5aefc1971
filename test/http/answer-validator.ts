import { Ajv2020 } from 'ajv/dist/2020.js'

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<Record<string, { readonly headers?: Readonly<Record<string, object>>; readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>
}

/** An answer, or a line of one that is a stream. */
export interface Told {
  readonly status: number
  readonly type: string
  readonly text: string
}

export interface Validators {
  /** What the document has against this answer; empty: nothing. */
  answer(method: string, path: string, told: Told): readonly string[]
  body(method: string, path: string, body: unknown): readonly string[]
}

/** Holds answers against the document. Throws if a schema in it is no JSON Schema. */
export function validators(document: OpenApi): Validators {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true, formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/ } })
  ajv.addVocabulary(['components', 'paths', 'openapi', 'info', 'servers', 'tags'])
  ajv.addSchema(document, 'api')
  for (const name of Object.keys(document.components.schemas)) ajv.getSchema(`api#/components/schemas/${name}`)
  const against = (schema: object, value: unknown): readonly string[] => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object
    const isValid = ajv.compile(absolute)
    return isValid(value) ? [] : (isValid.errors ?? []).map(({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`)
  }
  const operationAt = (method: string, path: string): OpenApiOperation => {
    const operation = document.paths[path]?.[method.toLowerCase()]
    if (operation === undefined) throw new Error(`the document has no ${method} ${path}`)
    return operation
  }
  return {
    answer(method, path, { status, type, text }) {
      const { responses } = operationAt(method, path)
      const response = responses[status] ?? (status >= 400 ? responses['default'] : undefined)
      if (response === undefined) return [`${status} is not told of`]
      if (response.content === undefined) return text === '' ? [] : ['a body is not told of']
      const bare = type.split(';')[0] ?? ''
      const content = response.content[bare]
      if (content === undefined) return [`type ${type} is not told of`]
      return against(content.schema, bare === 'application/json' ? JSON.parse(text) : text)
    },
    body(method, path, body) {
      const schema = operationAt(method, path).requestBody?.content['application/json']?.schema
      return schema === undefined ? ['a body is not told of'] : against(schema, body)
    },
  }
}
