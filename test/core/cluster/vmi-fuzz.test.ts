import t from 'tap'
import { entryChange, entryPatch } from '../../../src/core/cluster/vmi-volume-entry.ts'
import { hotplugGate } from '../../../src/core/cluster/vmi-feature-gates.ts'
import { readPod } from '../../../src/core/cluster/pod-facts.ts'
import { readVmi } from '../../../src/core/cluster/vmi.ts'
import { attachmentsFor, launcherAmong, provenAttachment } from '../../../src/core/cluster/vmi-pods.ts'
import { wishesOf } from '../../../src/core/cluster/vmi-wishes.ts'
import { sample } from '../../support/kubernetes/samples.ts'

const STRANGE: readonly unknown[] = [null, undefined, 0, -1, 1e300, Number.NaN, '', 'x', '\u0000', '../../etc', 'x'.repeat(10_000), true, [], {}, [null], [[]], { name: {} }, { __proto__: null }, ['b1', 'b1']]

/** The same numbers in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** Puts something strange somewhere. */
function mutate(value: unknown, next: () => number): unknown {
  if (typeof value !== 'object' || value === null || next() < 0.15) return STRANGE[Math.floor(next() * STRANGE.length)]
  const keys = Object.keys(value)
  const key = keys[Math.floor(next() * keys.length)]
  if (key === undefined) return STRANGE[Math.floor(next() * STRANGE.length)]
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>
  if (next() < 0.1) delete copy[key]
  else copy[key] = mutate(copy[key], next)
  return copy
}

const VMIS = ['vmi-add-f1-03-AttachedToNode', 'vmi-add-b1-04-AttachedToNode', 'vmi-remove-b1-02-UnMountedFromPod', 'vmi-with-bad-volume'].map(sample)
const PODS = ['launcher-pod', 'attachment-pod-b1', 'attachment-pod-b1-f1', 'attachment-pod-f1-replacement'].map(sample)

t.test('objects of any shape are read without a crash, and what is written stays in its entry', async (t) => {
  const next = random(20_261_122)
  for (let round = 0; round < 4_000; round++) {
    const vmi = readVmi(mutate(mutate(VMIS[round % VMIS.length], next), next))
    const pods = PODS.flatMap((pod) => readPod(next() < 0.5 ? pod : mutate(pod, next)) ?? [])
    hotplugGate([mutate(VMIS[0], next), mutate({ status: { phase: 'x' }, spec: { configuration: { developerConfiguration: { featureGates: ['a'] } } } }, next)], true)
    if (vmi === null) continue
    const launcher = launcherAmong(pods, vmi, 'node1')
    const wishes = wishesOf({ vmi, node: 'node1', launcher, pods, gate: null })
    for (const { name, disk, source } of wishes.volumes) {
      if (typeof name !== 'string' || typeof disk.serial !== 'string' || source.kind !== 'claim' || typeof source.claim !== 'string') t.fail(JSON.stringify(vmi))
      const wanted = { vmi, volume: name }
      if (launcher !== null) attachmentsFor(pods, launcher, wanted).map((pod) => provenAttachment(pod, wanted))
    }
    for (const entry of vmi.entries) {
      const change = entryChange({ entry, isWanted: false, status: null, isSilent: false })
      const paths = change === null ? [] : entryPatch(change).map(({ path }) => path)
      if (!paths.every((path) => /^\/status\/volumeStatus\/\d+\/(name|phase|reason|message|target)$/.test(path))) t.fail(paths.join())
    }
  }
  t.pass()
})

t.test('things that are no objects at all', async (t) => {
  for (const value of STRANGE) {
    t.equal(readVmi(value), null)
    t.equal(readPod(value), null)
  }
})
