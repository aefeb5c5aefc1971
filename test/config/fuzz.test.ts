import t from 'tap'
import { HotplugError } from '../../src/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { OPTION_NAMES } from '../../src/config/options.ts'

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

const PIECES = [...OPTION_NAMES, ': ', ':', '\n', ' ', '- ', '"', "'", '{', '}', '[', ']', '&a ', '*a', '!!binary ', '!x ', '|', '>', '#', '? ', '%YAML 9.9', '---', '...', '\t', '\0', 'é', '\u{1f4be}', 'true', '0x1', '1e999', '.nan', '<<', '__proto__', 'constructor', '/x', 'qemu:///system', '\r', '\ufeff']

/** What came of it: a config, or a refusal; anything else is thrown. */
function outcome(argv: readonly string[], env: Record<string, string>, file: string): 'config' | 'refusal' {
  try {
    loadConfig(argv, env, () => file)
    return 'config'
  } catch (error) {
    if (error instanceof HotplugError && error.reason === 'ConfigInvalid') return 'refusal'
    throw error
  }
}

t.test('no file, variable or flag makes anything but a config or a refusal', async t => {
  const next = random(20_261_122)
  const text = (most: number): string => Array.from({ length: next(most) }, () => PIECES[next(PIECES.length)]).join('')
  const seen = { config: 0, refusal: 0 }
  for (let round = 0; round < 5000; round++) {
    const flags = next(4) === 0 ? [`--${text(4)}`, text(3)] : []
    const env = next(4) === 0 ? { [`HOTPLUGD_${text(2)}`]: text(4) } : {}
    seen[outcome(['--config=/c', ...flags], env, text(14))]++
  }
  t.ok(seen.config > 0 && seen.refusal > 1000, JSON.stringify(seen))
  t.equal(({} as Record<string, unknown>)['mode'], undefined, 'no prototype was touched')
})
