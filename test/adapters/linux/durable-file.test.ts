import { readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { isWrittenAside, removeDurably, writeDurably } from '../../../src/adapters/linux/durable-file.ts'
import { refusalOf, scratch } from './scratch.ts'

void tap.test('writes, replaces and removes a file', async t => {
  const dir = await scratch(t)
  const path = join(dir, 'state.json')
  await writeDurably(path, 'one')
  await writeDurably(path, Buffer.from('two'), 0o640)
  t.equal(await readFile(path, 'utf8'), 'two')
  t.equal((await stat(path)).mode & 0o777, 0o640)
  await removeDurably(path)
  await removeDurably(path)
  t.same(await readdir(dir), [])
})

void tap.test('replaces a link instead of following it', async t => {
  const dir = await scratch(t)
  await writeFile(join(dir, 'victim'), 'untouched')
  await symlink('victim', join(dir, 'state'))
  await writeDurably(join(dir, 'state'), 'mine')
  t.equal(await readFile(join(dir, 'victim'), 'utf8'), 'untouched')
  t.equal(await readFile(join(dir, 'state'), 'utf8'), 'mine')
})

void tap.test('takes the longest file name a directory allows', async t => {
  const path = join(await scratch(t), 'n'.repeat(255))
  await writeDurably(path, 'long')
  t.equal(await readFile(path, 'utf8'), 'long')
})

void tap.test('says the errno and leaves nothing behind', async t => {
  const dir = await scratch(t)
  t.match(await refusalOf(() => writeDurably(join(dir, 'no', 'x'), '')), { reason: 'StateUnwritable', detail: { errno: 'ENOENT' } })
  t.match(await refusalOf(() => removeDurably(join(dir, 'no', 'x'))), { reason: 'StateUnwritable', detail: { errno: 'ENOENT' } })
  t.same(await readdir(dir), [])
})

void tap.test('a directory in the way is an error and stays', async t => {
  const dir = await scratch(t)
  await writeDurably(join(dir, 'file'), 'kept')
  t.match(await refusalOf(() => writeDurably(join(dir, 'file', 'below'), '')), { reason: 'StateUnwritable', detail: { errno: 'ENOTDIR' } })
  t.match(await refusalOf(() => writeDurably(dir, '')), { reason: 'StateUnwritable' })
  t.same(await readdir(dir), ['file'])
})

void tap.test('many at once leave only whole files', async t => {
  const dir = await scratch(t)
  const texts = Array.from({ length: 50 }, (_, index) => String(index).repeat(1000))
  await Promise.all(texts.map(text => writeDurably(join(dir, 'same'), text)))
  t.ok(texts.includes(await readFile(join(dir, 'same'), 'utf8')))
  t.same(await readdir(dir), ['same'])
})

void tap.test('tells what a killed write left behind', async t => {
  t.ok(isWrittenAside('.writing-0b5a'))
  t.notOk(isWrittenAside('state.json'))
})
