import { appendFileSync, closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import tap from 'tap'
import { ManifestRig, manifest, names } from './fixture.ts'

void tap.test('files appear, change and go', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('db/a', 'db/b')
  rig.write('web.yml', manifest('web', 'a'))
  await follower.untilNames('db/a', 'db/b', 'web/a')
  rig.write('db.yaml', manifest('db', 'b', 'c'))
  await follower.untilNames('db/b', 'db/c', 'web/a')
  rig.remove('db.yaml')
  await follower.untilNames('web/a')
  rig.remove('web.yml')
  await follower.untilNames()
})

void tap.test('what is no manifest is left alone', async (t) => {
  const rig = await ManifestRig.make(t)
  for (const file of ['.db.yaml', '.db.yaml.swp', 'db.yaml~', '#db.yaml#', '.#db.yaml', 'README', 'db.yaml.bak', '4913']) rig.write(file, manifest('db', 'x'))
  mkdirSync(rig.path('sub'))
  writeFileSync(rig.path('sub/db.yaml'), manifest('db', 'x'))
  rig.write('real.yaml', manifest('db', 'a'))
  const follower = await rig.start()
  t.match(await follower.untilNames('db/a'), { problems: [] })
})

void tap.test('links to files are followed, a link that leads nowhere is not a deleted file', async (t) => {
  const rig = await ManifestRig.make(t)
  mkdirSync(rig.path('..one'))
  writeFileSync(rig.path('..one/db.yaml'), manifest('db', 'a'))
  symlinkSync('..one', rig.path('..data'))
  symlinkSync('..data/db.yaml', rig.path('db.yaml'))
  const follower = await rig.start()
  await follower.untilNames('db/a')
  mkdirSync(rig.path('..two'))
  writeFileSync(rig.path('..two/db.yaml'), manifest('db', 'a', 'b'))
  symlinkSync('..two', rig.path('..data_tmp'))
  renameSync(rig.path('..data_tmp'), rig.path('..data'))
  await follower.untilNames('db/a', 'db/b')
  rmSync(rig.path('..two'), { recursive: true })
  t.match(await follower.untilReason('ManifestInvalid'), { unreadable: ['default/db'], problems: [{ message: /link that leads nowhere/ }] })
  t.same(names(follower.last), ['db/a', 'db/b'])
})

void tap.test('an invalid file changes nothing of its VM, and the others go on', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('db/a', 'db/b')
  for (const text of ['', manifest('db', 'a').replace('name: a', 'nam: a'), '{', manifest('db', 'A'), '\0\0\0']) {
    rig.write('db.yaml', text)
    const said = await follower.until('a problem', (one) => one.unreadable.includes('default/db' as never))
    t.match(said, { synced: true, problems: [{ vm: 'default/db', reason: 'ManifestInvalid', message: rig.path('db.yaml') }] })
    t.same(names(said), ['db/a', 'db/b'])
    rig.write('db.yaml', manifest('db', 'a', 'b'))
    await follower.until('no problem', (one) => one.problems.length === 0)
  }
  rig.write('db.yaml', 'nonsense')
  rig.write('web.yaml', manifest('web', 'a'))
  await follower.untilNames('db/a', 'db/b', 'web/a')
  rig.remove('db.yaml')
  t.match(await follower.untilNames('web/a'), { problems: [], unreadable: [] })
})

void tap.test('two files for one VM: neither change is applied', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('one.yaml', manifest('db', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('db/a', 'db/b')
  rig.write('two.yaml', manifest('db', 'c'))
  const both = await follower.untilReason('ManifestConflict')
  t.match(both, { unreadable: ['default/db'], problems: [{ vm: 'default/db', message: `${rig.path('one.yaml')} and ${rig.path('two.yaml')}` }] })
  rig.write('one.yaml', manifest('db', 'a'))
  rig.write('web.yaml', manifest('web', 'x'))
  await follower.untilNames('db/a', 'db/b', 'web/x')
  await rig.stop()
  const again = await rig.start()
  t.match(await again.untilNames('db/a', 'db/b', 'web/x'), { unreadable: ['default/db'] })
  rig.remove('two.yaml')
  await again.untilNames('db/a', 'web/x')
})

void tap.test('a file that is moved to another name is no removal', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('one.yaml', manifest('db', 'a'))
  const follower = await rig.start()
  await follower.untilNames('db/a')
  renameSync(rig.path('one.yaml'), rig.path('two.yaml'))
  await follower.until('the new origin', (one) => one.problems.length === 0 && one.volumes.every(({ origin }) => origin.kind === 'manifest' && origin.file === rig.path('two.yaml')))
  t.ok(follower.all.filter((one) => one.synced).every((one) => names(one).includes('db/a')))
})

void tap.test('no way of writing a file makes a volume unwanted for a moment', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('db/a', 'db/b')
  const ways: readonly ((text: string) => void | Promise<void>)[] = [
    (text) => (rig.write('.db.yaml.new', text), renameSync(rig.path('.db.yaml.new'), rig.path('db.yaml'))),
    (text) => rig.write('db.yaml', text),
    (text) => (unlinkSync(rig.path('db.yaml')), rig.write('db.yaml', text)),
    (text) => (renameSync(rig.path('db.yaml'), rig.path('db.yaml~')), rig.write('db.yaml', text)),
    async (text) => (unlinkSync(rig.path('db.yaml')), await sleep(40), rig.write('db.yaml', text)),
    async (text) => (rig.write('db.yaml', ''), await sleep(30), rig.write('db.yaml', text)),
  ]
  for (let round = 0; round < 60; round += 1) {
    await ways[round % ways.length]?.(`# ${round}\n${manifest('db', 'a', 'b')}`)
    await sleep(round % 7 === 0 ? 120 : round % 11)
  }
  rig.write('db.yaml', manifest('db', 'a', 'b', 'c'))
  const last = await follower.untilNames('db/a', 'db/b', 'db/c')
  t.match(last, { problems: [] })
  for (const one of follower.all.slice(follower.all.findIndex((first) => first.synced && first.volumes.length > 0))) {
    if (!one.synced || !names(one).includes('db/a') || !names(one).includes('db/b')) t.fail(JSON.stringify(one))
  }
})

void tap.test('a file is not read while somebody writes it, however long that takes', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('db/a', 'db/b')
  const writer = openSync(rig.path('db.yaml'), 'w')
  writeSync(writer, manifest('db', 'a'))
  rig.write('other.yaml', manifest('web', 'x'))
  await follower.untilNames('db/a', 'db/b', 'web/x')
  await sleep(400)
  writeSync(writer, '  - name: b\n    local: {path: /img/db-b}\n  - name: c\n    local: {path: /img/db-c}\n')
  closeSync(writer)
  await follower.untilNames('db/a', 'db/b', 'db/c', 'web/x')
  t.ok(follower.all.every((one) => !names(one).includes('web/x') || names(one).includes('db/b')))
})

void tap.test('a restart goes on where it was', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a'))
  rig.write('web.yaml', manifest('web', 'a'))
  await (await rig.start()).untilNames('db/a', 'web/a')
  await rig.stop()
  const unchanged = await rig.start()
  t.match(unchanged.all.at(0), { synced: true }, 'what has not changed needs no time to settle')
  t.same(names(unchanged.last), ['db/a', 'web/a'])
  await rig.stop()
  rig.remove('db.yaml')
  appendFileSync(rig.path('web.yaml'), '  - name: b\n    local: {path: /img/web-b}\n')
  const follower = await rig.start()
  t.ok(follower.all.every((one) => !one.synced), 'not yet read')
  await follower.untilNames('web/a', 'web/b')
})

void tap.test('a ledger that cannot be used removes nothing', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a'))
  await (await rig.start()).untilNames('db/a')
  await rig.stop()
  writeFileSync(`${rig.stateDir}/manifests.json`, 'torn')
  const follower = await rig.start()
  const said = await follower.until('the volume', (one) => names(one).includes('db/a'))
  t.match(said, { synced: false, problems: [{ reason: 'ManifestsUnreadable', message: `${rig.stateDir}/manifests.json` }] })
})
