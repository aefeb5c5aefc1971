import type { Readable } from 'node:stream'
import { HotplugError } from '../../../errors.ts'
import { at, isRecord, textAt } from '../../../core/cluster/json-object.ts'

/** What a watch says: an object in one of its changes, a place to resume from, or that it cannot go on. */
export type WatchEvent =
  | { readonly kind: 'changed' | 'deleted'; readonly object: unknown; readonly resourceVersion: string }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'expired' }

/** A line longer than this is none: etcd takes no object over 1.5 MB. */
const LONGEST_LINE = 16 * 1_048_576
const SHOWN_CHARACTERS = 120
const EXPIRED = 410

/** A watch that cannot be believed: it is ended, and resumed from what was understood last. */
export class BadWatch extends HotplugError {
  constructor(why: string, line: string) {
    super('ApiServerUnavailable', `the watch ${why}`, { detail: { line: line.slice(0, SHOWN_CHARACTERS) } })
  }
}

/**
 * The events of a watch, one a line, as they come. Nothing is passed over: a line that cannot be read, or that breaks off,
 * throws, since what it held is only told again by a new watch.
 * @throws BadWatch
 */
export async function* watchEvents(body: Readable): AsyncGenerator<readonly WatchEvent[]> {
  let rest = ''
  body.setEncoding('utf8')
  for await (const chunk of body as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw new BadWatch('sent a line without an end', rest)
    yield lines.filter((line) => line.trim() !== '').map(eventIn)
  }
  if (rest.trim() !== '') throw new BadWatch('broke off within a line', rest)
}

function eventIn(line: string): WatchEvent {
  const event = parse(line)
  const type = textAt(event, 'type')
  if (type === 'ERROR') return errorIn(event, line)
  const object = at(event, 'object')
  const resourceVersion = textAt(object, 'metadata', 'resourceVersion')
  if (resourceVersion === null || resourceVersion === '') throw new BadWatch('sent an object without a version', line)
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'changed', object, resourceVersion }
  if (type === 'DELETED') return { kind: 'deleted', object, resourceVersion }
  throw new BadWatch('sent an event of an unknown type', line)
}

function errorIn(event: unknown, line: string): WatchEvent {
  if (at(event, 'object', 'code') === EXPIRED) return { kind: 'expired' }
  throw new BadWatch(`failed: ${textAt(event, 'object', 'message') ?? 'the server does not say why'}`, line)
}

function parse(line: string): unknown {
  try {
    const event: unknown = JSON.parse(line)
    if (isRecord(event)) return event
  } catch {
    // told below, with the line
  }
  throw new BadWatch('sent a line that is no event', line)
}
