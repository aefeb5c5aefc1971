import type { SCHEMAS } from './schemas.ts'

export type SchemaName = keyof typeof SCHEMAS

/** What one code of an answer comes with. */
export interface AnswerDoc {
  readonly doc: string
  /** The body is JSON: one of these objects. */
  readonly json?: readonly SchemaName[]
  /** `?watch=true`: the body is a stream, one of these objects a line, until either side ends it. */
  readonly lines?: readonly SchemaName[]
  /** The body is text of this type. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * What a route is for, said where the route is made: the document and the list at /debug/ are written from it. Refusals
 * (a Status) need not be named, only the codes of success.
 */
export interface Operation {
  readonly id: string
  readonly doc: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: SchemaName
  readonly answers: Readonly<Record<number, AnswerDoc>>
  /** Served on the TCP listener too, where nobody is asked who they are. */
  readonly isPublic?: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation
  }
}

/** Options of a route that say what it is for. */
export function described(operation: Operation): { readonly config: { readonly operation: Operation } } {
  return { config: { operation } }
}
