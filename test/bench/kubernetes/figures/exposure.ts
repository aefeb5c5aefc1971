import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { monotonicMs } from '../../clocks.ts'
import { boundFigure, type Figure, ratioFigure } from '../../figure.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { median, spreadOf } from '../../statistics.ts'
import type { Kind } from '../own-disks.ts'
import { type Round, runRounds } from '../rounds.ts'
import { makeStorages, setUpStage, type Stage } from '../stage.ts'

const KINDS: readonly Kind[] = ['block', 'image']
const WARM_UP = 10
const AT_MOST = 0.125
const TARGET = '/run/lab/yard-mounted'

/** F3: bringing a volume into the launcher, against the two processes that others start for it. */
export const exposure: Measurement = { ids: ['F3'], title: 'exposure, against nsenter and mount as processes', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const stage = await setUpStage(bench, scope)
  const storages = [...(await makeStorages(stage, 'block', ['data'])), ...(await makeStorages(stage, 'image', ['files']))]
  const volumes = storages.map((storage, i) => ({ storage, kind: KINDS[i] ?? 'block' }))
  const attachment = await stage.scene.attach(stage.vm, storages)
  await writeFile(stage.vm.launcher.pod.root + TARGET, '')
  await runRounds(stage, volumes, attachment, { rounds: WARM_UP })
  const total = bench.quick ? 40 : 300
  const [rounds, processesMs]: [Round[], number[]] = [[], []]
  while (rounds.length < total) {
    rounds.push(...(await runRounds(stage, volumes, attachment, { rounds: volumes.length })))
    for (let i = 0; i < volumes.length; i++) processesMs.push(await stage.subject.aside(() => mountByProcesses(stage)))
    bench.progress.step('F3', rounds.length, total)
  }
  return figures(rounds, processesMs)
}

/** ms from the start of the first to the end of the last. */
async function mountByProcesses({ vm: { launcher } }: Stage): Promise<number> {
  const enter = (...command: readonly string[]): Promise<unknown> => once(spawn('nsenter', [`--mount=/proc/${launcher.pod.pid}/ns/mnt`, ...command], { stdio: 'ignore' }), 'exit')
  const beginMs = monotonicMs()
  const [code] = (await enter('mount', '--bind', '/run/lab/yard-image0', TARGET)) as [number]
  const ms = monotonicMs() - beginMs
  if (code !== 0) throw new Error(`nsenter mount ended with ${code}`)
  await enter('umount', TARGET)
  return ms
}

function figures(rounds: readonly Round[], processesMs: readonly number[]): Figure[] {
  const forked = rounds.filter((round) => round.in.forked || round.out.forked).length
  const notes = ["the stage exposed as the agent tells it: the journal's two entries and another look at the source are in it, though the goal does not count the journal"]
  return [
    ...KINDS.map((kind) => {
      const exposedMs = rounds.filter((round) => round.kind === kind).map((round) => round.in.stages['exposed'] ?? NaN)
      return ratioFigure({ id: 'F3', what: `exposure, ${kind}, p50, n=${exposedMs.length}; against nsenter + mount`, unit: 'ms', measured: median(exposedMs), yardstick: median(processesMs), spread: spreadOf(processesMs, median), atMost: AT_MOST, notes: kind === 'block' ? notes : [] })
    }),
    boundFigure({ id: 'F3', what: `plugs and unplugs that left a trace of a child process, of ${2 * rounds.length}`, unit: '', measured: forked, atMost: 0 }),
  ]
}
