import t from 'tap'
import { FootprintIndex } from '../../../src/core/disk/footprint-index.ts'

const holder = (id: string, shareable = false) => ({ id, label: `label of ${id}`, shareable })
const DISK = { same: ['b:8:0'], below: [] }
const PART1 = { same: ['b:8:1'], below: ['b:8:0'] }
const PART2 = { same: ['b:8:2'], below: ['b:8:0'] }
const LOOP = { same: ['b:7:0', 'i:8:1:55'], below: [] }
const LOOP2 = { same: ['b:7:1', 'i:8:1:55'], below: [] }
const IMAGE = { same: ['i:8:1:55'], below: [] }

const CASES = [
  ['the same device', DISK, DISK, true],
  ['a disk and its partition', DISK, PART1, true],
  ['a partition and its disk', PART1, DISK, true],
  ['two partitions of a disk', PART1, PART2, false],
  ['an image and the loop device on it', IMAGE, LOOP, true],
  ['two loop devices of one image', LOOP, LOOP2, true],
  ['strangers', DISK, LOOP, false],
] as const

for (const [name, first, second, overlaps] of CASES) {
  t.test(`${name} ${overlaps ? 'overlap' : 'do not overlap'}`, async (t) => {
    const index = new FootprintIndex()
    index.set(holder('a'), first)
    t.equal(index.conflict(holder('b'), second)?.id ?? null, overlaps ? 'a' : null)
  })
}

t.test('sharing takes both sides', async (t) => {
  const index = new FootprintIndex()
  index.set(holder('a', true), DISK)
  t.equal(index.conflict(holder('b', true), DISK), null)
  t.equal(index.conflict(holder('b', false), DISK)?.id, 'a')
  index.set(holder('a', false), DISK)
  t.equal(index.conflict(holder('b', true), DISK)?.id, 'a')
})

t.test('one never conflicts with oneself, and a freed source is told', async (t) => {
  const index = new FootprintIndex()
  let freed = 0
  index.onFreed = () => freed++
  index.set(holder('a'), DISK)
  t.equal(index.conflict(holder('a'), DISK), null)
  index.set(holder('a'), PART1)
  t.equal(index.conflict(holder('b'), PART2), null, 'what was known before is replaced')
  t.equal(freed, 0)
  index.delete('a')
  index.delete('a')
  t.equal(freed, 1)
  t.equal(index.conflict(holder('b'), DISK), null)
})
