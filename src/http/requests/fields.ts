import { HotplugError } from '../../errors.ts'
import { suggestion } from '../../config/nearest.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** A refusal that names the field of the body. */
export function invalid(message: string): HotplugError {
  return new HotplugError('InvalidRequest', message)
}

/** The object under a field, which must not have other fields than the known ones. Null where the field is absent. */
export function objectAt(parent: JsonObject, field: string, path: string, known: readonly string[]): JsonObject | null {
  const value = parent[field]
  return value === undefined || value === null ? null : knownFields(value, path, known)
}

/** The value as an object with only known fields; names all others. */
export function knownFields(value: unknown, path: string, known: readonly string[]): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${path} must be an object, found ${kindOf(value)}`)
  const unknown = Object.keys(value).filter(field => !known.includes(field))
  if (unknown.length === 0) return value as JsonObject
  const named = unknown.slice(0, 8).map(field => `${path}.${field.slice(0, 64)}${suggestion(field, known)}`)
  throw invalid(`unknown field${unknown.length === 1 ? '' : 's'}: ${named.join(', ')}`)
}

/** A text; null where the field is absent. */
export function textAt(object: JsonObject, field: string, path: string): string | null {
  const value = object[field]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw invalid(`${path}.${field} must be a string, found ${kindOf(value)}`)
  return value
}

/** A boolean; false where the field is absent. */
export function switchAt(object: JsonObject, field: string, path: string): boolean {
  const value = object[field] ?? false
  if (typeof value !== 'boolean') throw invalid(`${path}.${field} must be true or false, found ${kindOf(value)}`)
  return value
}

/** One of a few words; null where the field is absent. */
export function wordAt<const T extends string>(object: JsonObject, field: string, path: string, words: readonly T[]): T | null {
  const text = textAt(object, field, path)
  if (text === null) return null
  const word = words.find(candidate => candidate === text)
  if (word === undefined) throw invalid(`${path}.${field}: found '${text.slice(0, 64)}', allowed: ${words.join(', ')}`)
  return word
}

/** `dryRun: ["All"]` as in every Kubernetes request. */
export function dryRunAt(object: JsonObject, path: string): boolean {
  const value = object['dryRun'] ?? []
  if (!Array.isArray(value) || value.some(word => word !== 'All')) throw invalid(`${path}.dryRun must be a list that holds only "All"`)
  return value.length > 0
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : `${/^[ao]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`
}
