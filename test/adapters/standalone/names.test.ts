import tap from 'tap'
import { fromFileName, toFileName } from '../../../src/adapters/standalone/file-name.ts'
import { checkLocalPath, plainPath } from '../../../src/core/manifest/local-path.ts'
import { checkSerial } from '../../../src/core/disk/serial.ts'
import { checkVolumeName } from '../../../src/core/disk/volume-name.ts'
import { refusalOf } from '../linux/scratch.ts'

void tap.test('serials', async (t) => {
  for (const good of ['data', 'WD-007.a_b+c', 'x'.repeat(36), '007', '-']) t.equal(checkSerial(good), null, good)
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /is empty/],
    ['a,b', /character 2 is ","/],
    ['a=b', /character 2 is "="/],
    ['a:b', /character 2 is ":"/],
    ['💾💾<', /character 1 is "💾"/],
    ['ab💾', /character 3 is "💾"/],
    ['a\n', /character 2 is "\\n"/],
    ['é', /character 1 is "é"/],
    ['a b', /character 2 is a space/],
    [' ', /character 1 is a space/],
    ['x'.repeat(37), /37 bytes, 36 fit/],
    ['x'.repeat(1e6), /1000000 bytes/],
    ["'/><x", /character 1 is "'"/],
  ]
  for (const [serial, message] of bad) t.match(checkSerial(serial), { reason: 'InvalidSerial', message }, serial.slice(0, 40))
  t.ok((checkSerial('x'.repeat(1e6))?.message.length ?? 0) < 200)
})

void tap.test('volume names', async (t) => {
  for (const good of ['a', 'data-0', '0', 'x'.repeat(63)]) t.equal(checkVolumeName(good), null, good)
  // libvirt drops the alias `ua-a.b` without a word, and the disk could not be found again
  for (const bad of ['', 'A', 'a.b', 'a_b', '-a', 'a-', 'x'.repeat(64), 'a/b', '..', 'ä', 'a\n', 'a"b']) t.match(checkVolumeName(bad), { reason: 'InvalidName' }, bad)
})

void tap.test('paths', async (t) => {
  for (const good of ['/', '/dev/vg0/data', '/a b/ü', '/a/../b']) t.equal(checkLocalPath(good), null, good)
  for (const bad of ['', 'a', './a', '/a\0b', '/a\nb', '/\ud800', `/${'x'.repeat(4095)}`]) t.match(checkLocalPath(bad), { reason: 'InvalidRequest' }, bad.slice(0, 20))
  t.equal(plainPath('//a/./b//c/'), '/a/b/c')
  t.equal(plainPath('/a/../b'), '/a/../b')
})

void tap.test('any name is a file name and back', async (t) => {
  const hard = ['.', '..', '.hidden', 'a.b', '%', '%2f', 'a/b', 'a\0b', 'ü', 'con%00', '💾', 'a\nb', ' ', '-rf', '.writing-1']
  const files = hard.map(toFileName)
  t.equal(new Set(files).size, hard.length)
  t.same(files.map(fromFileName), hard)
  t.notOk(files.some((file) => file.startsWith('.') || file.includes('/') || file.includes('\0')))
  for (const foreign of ['', '.a', '%zz', '%41', 'a%2F']) t.equal(fromFileName(foreign), null, foreign)
  for (const none of ['\ud800', '']) t.match(await refusalOf(() => toFileName(none)), { reason: 'InvalidName' })
})
