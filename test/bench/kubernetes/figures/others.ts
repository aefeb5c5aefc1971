import type { Figure } from '../../figure.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { plugMany } from '../hand.ts'
import type { Kind } from '../own-disks.ts'
import { PACE_MS, runRounds } from '../rounds.ts'
import { makeStorages, setUpStage } from '../stage.ts'
import { rowFigures } from './row-figures.ts'

const KINDS: readonly Kind[] = ['block', 'image']
const OTHERS = ['other1', 'other2', 'other3', 'other4', 'other5']
const WARM_UP = 6

/** A sixth volume: KubeVirt's own node side takes longer with each one that is there already. */
export const others: Measurement = { ids: ['OTHERS'], title: 'one volume where five others are plugged', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const stage = await setUpStage(bench, scope)
  const present = await makeStorages(stage, 'image', OTHERS)
  const storages = [...(await makeStorages(stage, 'block', ['data'])), ...(await makeStorages(stage, 'image', ['files']))]
  const volumes = storages.map((storage, i) => ({ storage, kind: KINDS[i] ?? 'block' }))
  const attachment = await stage.scene.attach(stage.vm, [...present, ...storages])
  await plugMany(stage, present, attachment)
  await runRounds(stage, volumes, attachment, { rounds: WARM_UP })
  const rounds = bench.quick ? 24 : 200
  const all = await runRounds(stage, volumes, attachment, { rounds, paceMs: PACE_MS, tell: (done) => bench.progress.step('OTHERS', done, rounds) })
  return KINDS.flatMap((kind) => rowFigures('OTHERS', kind, all, ', five others present'))
}
