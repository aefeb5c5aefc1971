import tap from 'tap'
import { checkQcow2 } from '../../../src/adapters/linux/host/qcow2-header.ts'
import { SharedReading } from '../../../src/adapters/linux/shared-reading.ts'

void tap.test('no header of any bytes is taken for what it is not', async (t) => {
  const head = Buffer.alloc(512)
  head.write('QFI\xfb', 'latin1')
  head.writeUInt32BE(3, 4)
  t.equal(checkQcow2('/x', head), null)
  for (let round = 0; round < 5_000; round++) {
    const damaged = Buffer.from(head.subarray(0, round % 2 === 0 ? 512 : round % 120))
    for (let i = 0; i < 8 && damaged.length > 0; i++) damaged[Math.floor(Math.random() * damaged.length)] = Math.floor(Math.random() * 256)
    const refusal = checkQcow2('/x', damaged)
    const isPlain = damaged.length >= 104 && damaged.readUInt32BE(0) === 0x514649fb && damaged.readBigUInt64BE(8) === 0n
    if (refusal === null && !isPlain) t.fail(damaged.toString('hex'))
  }
})

void tap.test('a shared reading is never older than the question', async (t) => {
  const ends: (() => void)[] = []
  let begun = 0
  const reading = new SharedReading(async () => {
    const number = ++begun
    await new Promise<void>((resolve) => ends.push(resolve))
    if (number === 2) throw new Error('two')
    return number
  })
  const first = reading.now()
  const second = [reading.now(), reading.now()]
  t.equal(begun, 1)
  ends[0]?.()
  t.equal(await first, 1)
  await Promise.resolve()
  t.equal(begun, 2, 'all who asked meanwhile share one')
  const third = reading.now()
  ends[1]?.()
  for (const one of second) await t.rejects(one, { message: 'two' })
  await new Promise((resolve) => setImmediate(resolve))
  ends[2]?.()
  t.equal(await third, 3)
  t.equal(reading.isIdle, true)
})
