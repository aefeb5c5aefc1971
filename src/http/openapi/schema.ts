/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>

type OptionalKey<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
type Fields<T, K extends keyof T> = { readonly [F in K]-?: Schema }

/**
 * The schema of an object of ours. The compiler sees to it that it names exactly the fields of the type `T`, and which of
 * them may be absent.
 */
export function shape<T extends object>(required: Fields<T, Exclude<keyof T, OptionalKey<T>>>, optional: Fields<T, OptionalKey<T>>, doc?: string): Schema {
  const properties = { ...(required as Record<string, Schema>), ...(optional as Record<string, Schema>) }
  return { type: 'object', ...(doc === undefined ? {} : { description: doc }), properties, required: Object.keys(required), additionalProperties: false }
}

export const TEXT: Schema = { type: 'string' }
export const NUMBER: Schema = { type: 'number' }
export const COUNT: Schema = { type: 'integer', minimum: 0 }
export const FLAG: Schema = { type: 'boolean' }
/** ISO 8601 */
export const TIME: Schema = { type: 'string', format: 'date-time' }
/** Names are stable, depth is not. */
export const ANY_OBJECT: Schema = { type: 'object' }
export const EMPTY_OBJECT: Schema = { type: 'object', additionalProperties: false }

export function words(all: readonly string[]): Schema {
  return { type: 'string', enum: all }
}

export function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
