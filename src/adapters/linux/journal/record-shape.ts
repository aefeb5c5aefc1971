import type { VolumeKey } from '../../../model/ids.ts'
import type { VolumeRecord } from '../../../model/record.ts'
import { PLUG_STEPS, UNPLUG_STEPS } from '../../../model/steps.ts'

type Check = (value: unknown) => boolean

const isString: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const isBoolean: Check = (value) => typeof value === 'boolean'
const isOneOf = (...values: readonly unknown[]): Check => (value) => values.includes(value)
const isNullOr = (check: Check): Check => (value) => value === null || check(value)
const isListOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check)
const isObject = (fields: Readonly<Record<string, Check>>): Check => (value) =>
  typeof value === 'object' && value !== null && Object.entries(fields).every(([name, check]) => check(Reflect.get(value, name)))

const key = isObject({ vm: (value) => typeof value === 'string' && value.includes('/'), volume: isString })
const block = isObject({ kind: isOneOf('block'), device: isString, diskseq: isNullOr(isString) })
const file = isObject({ kind: isOneOf('file'), filesystem: isString, inode: isString })

/** Every field by its own check, so that the compiler tells when a record gains one. */
const RECORD: Readonly<Record<keyof VolumeRecord, Check>> = {
  key,
  step: isOneOf(...PLUG_STEPS, ...UNPLUG_STEPS),
  domainUuid: isString,
  process: isNullOr(isObject({ pid: isNumber, startTime: isString })),
  fingerprint: isString,
  alias: isString,
  target: isString,
  address: isObject({ controller: isNumber, bus: isNumber, target: isNumber, unit: isNumber }),
  serial: isString,
  shareable: isBoolean,
  exposure: isObject({ path: isString, kind: isOneOf('block', 'file'), handle: isObject({}) }),
  identity: (value) => block(value) || file(value),
  footprint: isObject({ same: isListOf(isString), below: isListOf(isString) }),
  readonly: isBoolean,
  format: isOneOf('raw', 'qcow2'),
  sizeBytes: isNumber,
  hotplugged: isBoolean,
  origin: isOneOf('request', 'manifest', 'vmi'),
}

const record = isObject(RECORD)

/** Whether a parsed value has every part of a record that the engine relies on. */
export function isVolumeRecord(value: unknown): value is VolumeRecord {
  return record(value)
}

export function isVolumeKey(value: unknown): value is VolumeKey {
  return key(value)
}
