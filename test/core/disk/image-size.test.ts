import t from 'tap'
import { imageBytes } from '../../../src/core/disk/image-size.ts'
import { readQuantity } from '../../../src/core/disk/quantity.ts'

void t.test('sizes as Kubernetes writes them', async (t) => {
  const known: readonly [string, bigint | null][] = [
    ['0', 0n], ['64Mi', 67_108_864n], ['1Gi', 1_073_741_824n], ['1.5Gi', 1_610_612_736n], ['10G', 10_000_000_000n], ['1e3', 1_000n], ['2k', 2_000n], ['8Ei', 9_223_372_036_854_775_808n],
    ['', null], ['Mi', null], ['64 Mi', null], ['-1', null], ['64mi', null], ['1..5', null], ['ki', null], ['9'.repeat(100), null],
  ]
  for (const [text, bytes] of known) t.equal(readQuantity(text), bytes, text)
})

void t.test('an image is to fill what its claim has room for, as KubeVirt reckons', async (t) => {
  t.equal(imageBytes('64Mi', '0.055'), 62_914_560, 'watched on a running KubeVirt')
  t.equal(imageBytes('1Gi', '0'), 1 << 30)
  for (const [capacity, overhead] of [['', '0.055'], ['64Mi', ''], ['64Mi', '1'], ['64Mi', '2.5'], ['64Mi', 'x'], ['9000000Pi', '0']] as const) t.equal(imageBytes(capacity, overhead), 0, `${capacity} ${overhead}`)
})
