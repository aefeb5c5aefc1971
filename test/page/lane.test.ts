import t from 'tap'
import type { VolumeObject } from '../../src/http/objects/volume-object.ts'
import { laneOf } from '../../src/page/lane.ts'
import { standingOf, type Standing } from '../../src/page/volume-words.ts'
import { readyVolume, ROOT } from '../http/samples.ts'
import { AT, condition, movingVolume, NOW_MS, shown, stage, stuckVolume } from './shown.ts'

const SIGNS = { passed: '+', underWay: '>', held: '!', ahead: '.' } as const

/** A lane in one word a stage: `+discovered:1 >exposed .attached .reported`. */
function lane(volume: VolumeObject, standing: Standing, isClaim = false): string {
  const { steps } = laneOf(volume, standing, isClaim)
  return steps.map(({ name, state, durationMs }) => `${SIGNS[state]}${name}${durationMs === null ? '' : `:${durationMs}`}`).join(' ')
}

t.test('the way in', async t => {
  t.equal(lane(shown(movingVolume('a', 'Pending', [])), 'moving'), '>discovered .exposed .attached .reported')
  t.equal(lane(shown(movingVolume('a', 'Pending', [stage('discovered', 2)])), 'moving'), '+discovered:2 >exposed .attached .reported')
  t.equal(lane(shown(readyVolume('a')), 'ready'), '+discovered:1.25 +exposed:0.1 +attached:7.5 +reported:0.2')
  t.equal(lane(shown({ ...readyVolume('a'), stages: [] }), 'ready'), '+discovered +exposed +attached +reported', 'plugged before anybody looked')
})

t.test('where it is held up', async t => {
  t.equal(lane(shown(stuckVolume('a')), 'stuck'), '!discovered .exposed .attached .reported')
  const exposed = movingVolume('a', 'Pending', [], [condition('SourceReady', 'True'), condition('Exposed', 'True'), condition('Attached', 'False')])
  t.equal(lane(shown(exposed), 'stuck'), '+discovered +exposed !attached .reported', 'conditions tell it where no stage was seen')
  t.equal(lane(shown(stuckVolume('a')), 'waiting'), '!discovered .exposed .attached .reported')
})

t.test('a claim waits for its pod first', async t => {
  t.equal(lane(shown(movingVolume('a', 'Pending', [])), 'moving', true), '>podReady .discovered .exposed .attached .reported')
  t.equal(lane(shown(movingVolume('a', 'Pending', [stage('podReady', 900)])), 'moving', true), '+podReady:900 >discovered .exposed .attached .reported')
  t.equal(lane(shown(movingVolume('a', 'Pending', [stage('exposed', 4)])), 'moving', true), '+podReady +discovered +exposed:4 >attached .reported', 'seen from the middle on')
})

t.test('the way out', async t => {
  const attached = [condition('Attached', 'True')]
  t.equal(lane(shown(movingVolume('a', 'Detaching', readyVolume('a').stages, attached)), 'moving'), '>detached .released .reported', 'the stages of the way in are not of it')
  t.equal(lane(shown(movingVolume('a', 'Detaching', [stage('detached', 58)])), 'moving'), '+detached:58 >released .reported')
  t.equal(lane(shown(movingVolume('a', 'Detaching', [], [condition('Attached', 'False')])), 'stuck'), '+detached !released .reported')
  t.equal(lane(shown(movingVolume('a', 'Detaching', [stage('detached'), stage('released'), stage('reported')])), 'moving'), '+detached:1 +released:1 +reported:1')
})

t.test('how volumes stand', async t => {
  const soon = Date.parse(AT) + 1_000
  const with_ = (reason: string, message = ''): VolumeObject => shown({ ...stuckVolume('a'), reason, message })
  const cases: readonly (readonly [VolumeObject, number, Standing])[] = [
    [shown(ROOT), NOW_MS, 'ordinary'],
    [shown(readyVolume('a')), NOW_MS, 'ready'],
    [shown({ ...readyVolume('a'), reason: 'SourceNotHeld' }), NOW_MS, 'stuck'],
    [shown({ ...readyVolume('a'), reason: 'LibvirtUnavailable' }), NOW_MS, 'waiting'],
    [shown(stuckVolume('a')), soon, 'stuck'],
    [with_('VmNotRunning'), NOW_MS, 'waiting'],
    [shown(movingVolume('a', 'Pending', [])), soon, 'moving'],
    [shown(movingVolume('a', 'Pending', [])), NOW_MS, 'stuck'],
    [with_('AwaitingVirtHandler'), soon, 'moving'],
    [with_('AwaitingVirtHandler'), NOW_MS, 'stuck'],
    [with_('AReasonOfANewerHotplugd'), soon, 'stuck'],
  ]
  for (const [volume, nowMs, standing] of cases) t.equal(standingOf(volume, nowMs), standing, `${volume.phase} ${volume.reason}`)
})
