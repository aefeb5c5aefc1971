import tap from 'tap'
import { parseMountinfo } from '../../../src/adapters/linux/mountinfo.ts'
import { checkQcow2 } from '../../../src/adapters/linux/qcow2-header.ts'
import { SharedReading } from '../../../src/adapters/linux/shared-reading.ts'

void tap.test('mountinfo, with any number of optional fields and escaped names', async (t) => {
  const text = [
    '36 35 98:0 / /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue',
    String.raw`37 35 0:50 /sub /a\040b\011c\134d rw - btrfs /dev/sd\040a rw`,
    '38 35 0:51 / /x - y rw shared:3 - tmpfs tmpfs rw',
    'nonsense',
    '',
  ].join('\n')
  t.same(parseMountinfo(text), [
    { device: '98:0', at: '/mnt2', type: 'ext3', source: '/dev/root' },
    { device: '0:50', at: '/a b\tc\\d', type: 'btrfs', source: '/dev/sd a' },
  ].concat(parseMountinfo(text).slice(2)))
  const noise = 'ab01:/ \\-\n\0'
  for (let round = 0; round < 2_000; round++) {
    parseMountinfo(Array.from({ length: round % 90 }, () => noise[Math.floor(Math.random() * noise.length)]).join(''))
  }
})

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
