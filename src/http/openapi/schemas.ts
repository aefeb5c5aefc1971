import { DEBUG_SCHEMAS } from './debug-schemas.ts'
import { REQUEST_SCHEMAS } from './request-schemas.ts'
import type { Schema } from './schema.ts'
import { VM_SCHEMAS } from './vm-schemas.ts'

/** Every object that goes in or out, by the name that operations give it. */
export const SCHEMAS = { ...VM_SCHEMAS, ...REQUEST_SCHEMAS, ...DEBUG_SCHEMAS } as const satisfies Record<string, Schema>
