import { pino } from 'pino'
import t from 'tap'
import type { ToldVolume } from '../../src/agent/observer.ts'
import { HotplugError, type Reason } from '../../src/errors.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { LogObserver } from '../../src/telemetry/log.ts'

/** What an operator sees at the level info. */
function scene() {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info', base: null, timestamp: false, formatters: { level: (level) => ({ level }) } }, { write: (line) => void lines.push(JSON.parse(line)) })
  const clock = { nowMs: 0 }
  const observer = new LogObserver(log, () => clock.nowMs)
  const fail = (volume: ToldVolume, reason: Reason): void => observer.actEnded(volume, { verb: 'plug', opId: 1, durationMs: 2, attempt: 1, error: new HotplugError(reason, `for ${reason}`) })
  return { clock, fail, lines, observer }
}

const volume = (name: string): ToldVolume => ({ key: { vm: 'default/vm1' as VmKey, volume: name }, id: `default/vm1/${name}` }) as ToldVolume

t.test('the same failure of a volume is one line a minute, with a counter', async (t) => {
  const { clock, fail, lines } = scene()
  const [data, other] = [volume('data'), volume('other')]
  for (; clock.nowMs <= 60_000; clock.nowMs += 5_000) fail(data, 'LibvirtUnavailable')
  fail(other, 'LibvirtUnavailable')
  t.match(lines, [{ volume: 'data', level: 'warn', msg: 'act failed', reason: 'LibvirtUnavailable' }, { volume: 'data', level: 'warn', repeats: 12 }, { volume: 'other' }])
  t.equal(lines.length, 3)
  t.notOk('repeats' in (lines[0] ?? {}), 'the first is no repetition')
})

t.test('two reasons by turns are two lines', async (t) => {
  const { fail, lines } = scene()
  const data = volume('data')
  for (let times = 0; times < 3; times++) for (const reason of ['AttachRefused', 'LibvirtUnavailable'] as const) fail(data, reason)
  t.match(lines, [{ reason: 'AttachRefused' }, { reason: 'LibvirtUnavailable' }])
  t.equal(lines.length, 2)
})

t.test('what only a person can mend is an error', async (t) => {
  const { fail, lines } = scene()
  for (const reason of ['InternalError', 'InvalidSerial', 'LibvirtUnavailable'] as const) fail(volume('data'), reason)
  t.same(lines.map(({ level }) => level), ['error', 'error', 'warn'])
})

t.test('so is what fails besides the acts', async (t) => {
  const { clock, lines, observer } = scene()
  const refuse = (role: string): void => observer.failed('role could not be begun', { role }, new HotplugError('StateUnwritable', 'no room'))
  for (; clock.nowMs <= 60_000; clock.nowMs += 1_000) refuse('agent')
  refuse('companion')
  t.match(lines, [{ level: 'warn', msg: 'role could not be begun', role: 'agent', reason: 'StateUnwritable', err: { message: 'no room' } }, { role: 'agent', repeats: 60 }, { role: 'companion' }])
  t.equal(lines.length, 3)
})
