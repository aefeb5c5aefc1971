import t from 'tap'
import { HotplugError } from '../../src/errors.ts'
import { parseAddVolume, parseRemoveVolume } from '../../src/http/requests/volume-options.ts'

/** xorshift32: the same sequence in every run, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const KEYS = ['name', 'disk', 'volumeSource', 'dryRun', 'local', 'path', 'format', 'serial', 'cache', 'io', 'bus', 'readonly', 'shareable', 'lun', 'toString', 'constructor', '__proto__', '', 'é']
const LEAVES = [null, true, false, 0, -1, 1e308, '', 'data', '/dev/x', 'scsi', 'raw', 'All', 'a\0b', '<disk/>', '\ud800', 'x'.repeat(5000)]

function make(next: (below: number) => number, depth: number): unknown {
  if (depth === 0 || next(3) === 0) return LEAVES[next(LEAVES.length)]
  if (next(4) === 0) return Array.from({ length: next(3) }, () => make(next, depth - 1))
  return Object.fromEntries(Array.from({ length: next(5) }, () => [KEYS[next(KEYS.length)], make(next, depth - 1)]))
}

const TARGET = { vm: { namespace: 'default', name: 'vm1' }, persist: false }

/** A request whose parts have the promised types, or a refusal; anything else is thrown. */
function outcome(body: unknown, t: Tap): 'request' | 'refusal' {
  try {
    const { name, source, disk } = parseAddVolume(body, TARGET)
    parseRemoveVolume({ name }, TARGET)
    t.ok(name !== '' && source.path.startsWith('/') && typeof disk.serial === 'string' && typeof disk.readonly === 'boolean')
    return 'request'
  } catch (error) {
    if (error instanceof HotplugError && error.message.length < 2000) return 'refusal'
    throw error
  }
}
type Tap = Pick<typeof t, 'ok'>

t.test('no body makes anything but a request or a refusal', async t => {
  const next = random(20_261_123)
  const seen = { request: 0, refusal: 0 }
  for (let round = 0; round < 20_000; round++) {
    const good = { name: 'data', disk: {}, volumeSource: { local: { path: '/dev/x' } } }
    const spoiled = { ...good, ...(next(2) === 0 ? { disk: make(next, 2) } : { volumeSource: { local: make(next, 2) } }) }
    seen[outcome(next(2) === 0 ? make(next, 4) : spoiled, t)]++
  }
  t.ok(seen.request > 100 && seen.refusal > 10_000, JSON.stringify(seen))
  t.equal(({} as Record<string, unknown>)['path'], undefined, 'no prototype was touched')
})
