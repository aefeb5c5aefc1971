import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import tap from 'tap'
import { type DirectoryIdentity, sameDirectory } from '../../../src/adapters/standalone/directory-identity.ts'
import { ManifestRig, manifest, names } from './fixture.ts'

void tap.test('a directory that never was', async (t) => {
  const rig = await ManifestRig.make(t)
  rmSync(rig.directory, { recursive: true })
  const follower = await rig.start()
  t.match(follower.last, { synced: true, volumes: [], problems: [{ reason: 'ManifestsUnreadable', message: /vms\.d: ENOENT/ }] })
  mkdirSync(rig.directory)
  rig.write('db.yaml', manifest('db', 'a'))
  t.match(await follower.untilNames('db/a'), { problems: [] })
})

void tap.test('a directory that goes away takes nothing with it', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a'))
  const follower = await rig.start()
  await follower.untilNames('db/a')
  renameSync(rig.directory, `${rig.directory}.away`)
  t.match(await follower.untilReason('ManifestsUnreadable'), { synced: false, volumes: [{ name: 'a' }] })
  await rig.stop()
  const again = await rig.start()
  t.match(again.last, { synced: false, volumes: [{ name: 'a' }], problems: [{ reason: 'ManifestsUnreadable' }] })
  renameSync(`${rig.directory}.away`, rig.directory)
  t.match(await again.untilNames('db/a'), { problems: [] })
  rig.remove('db.yaml')
  await again.untilNames()
})

for (const restart of [false, true]) {
  void tap.test(`another directory in its place${restart ? ' after a restart' : ''} removes nothing`, async (t) => {
    const rig = await ManifestRig.make(t)
    rig.write('db.yaml', manifest('db', 'a'))
    rig.write('web.yaml', manifest('web', 'a', 'b'))
    let follower = await rig.start()
    await follower.untilNames('db/a', 'web/a', 'web/b')
    if (restart) await rig.stop()
    const unmount = rig.mount(rig.directory)
    rig.write('web.yaml', manifest('web', 'b', 'c'))
    if (restart) follower = await rig.start()
    await follower.untilNames('db/a', 'web/a', 'web/b', 'web/c')
    const said = await follower.until('both problems', (one) => one.problems.length === 2)
    t.match(said.problems.find((one) => one.vm === 'default/db'), { reason: 'ManifestsUnreadable', message: /db\.yaml is missing/ })
    t.match(said.problems.find((one) => one.vm === 'default/web'), { reason: 'ManifestsUnreadable', message: /web\/a/ })
    t.same(names(said), ['db/a', 'web/a', 'web/b', 'web/c'])
    unmount()
    t.match(await follower.untilNames('db/a', 'web/a', 'web/b', 'web/c'), { synced: true })
  })
}

void tap.test('what an edit in the new directory drops is dropped', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('web.yaml', manifest('web', 'a', 'b'))
  const follower = await rig.start()
  await follower.untilNames('web/a', 'web/b')
  rig.mount(rig.directory)
  rig.write('web.yaml', manifest('web', 'b'))
  await follower.untilReason('ManifestsUnreadable')
  await rig.stop()
  const again = await rig.start()
  await again.untilNames('web/a', 'web/b')
  rig.write('web.yaml', manifest('web', 'b', 'd'))
  await again.untilNames('web/b', 'web/d')
  rig.remove('web.yaml')
  await again.untilNames()
})

void tap.test('one file system in the place of another of its kind, with the same numbers', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.mount(rig.directory)()
  const first = rig.mount(rig.directory)
  rig.write('db.yaml', manifest('db', 'a'))
  await (await rig.start()).untilNames('db/a')
  await rig.stop()
  first()
  rig.mount(rig.directory)
  const follower = await rig.start()
  const said = await follower.until('the missing file', (one) => one.synced && one.problems.length > 0)
  t.same(names(said), ['db/a'])
  t.match(said.problems, [{ reason: 'ManifestsUnreadable', message: /another directory or mount/ }])
})

void tap.test('a directory that may not be read removes nothing', async (t) => {
  const rig = await ManifestRig.make(t)
  rig.write('db.yaml', manifest('db', 'a'))
  const follower = await rig.start()
  await follower.untilNames('db/a')
  renameSync(rig.directory, `${rig.directory}.away`)
  writeFileSync(rig.directory, 'a file')
  t.match(await follower.untilReason('ManifestsUnreadable'), { synced: false, volumes: [{ name: 'a' }], problems: [{ message: /ENOTDIR/ }] })
})

void tap.test('without room for the ledger the volumes are wanted all the same, and a person is told', async (t) => {
  const rig = await ManifestRig.make(t)
  mkdirSync(rig.stateDir)
  rig.mount(rig.stateDir, 'size=64k')
  t.throws(() => writeFileSync(`${rig.stateDir}/filler`, Buffer.alloc(1 << 20)), { code: 'ENOSPC' })
  rig.write('db.yaml', manifest('db', 'a'))
  const follower = await rig.start()
  t.match(await follower.untilNames('db/a'), { problems: [{ reason: 'StateUnwritable', message: /ENOSPC/ }] })
  writeFileSync(`${rig.stateDir}/filler`, '')
  await follower.until('no problem', (one) => one.problems.length === 0)
  await rig.stop()
  t.ok(existsSync(`${rig.stateDir}/manifests.json`))
})

void tap.test('which directory counts as the same', async (t) => {
  const here: DirectoryIdentity = { boot: 'b1', device: '1', inode: '2', bornNs: '3', mountId: '4', reader: 'r1', mount: '/ ext4 /dev/vda' }
  const cases: readonly (readonly [string, boolean, Partial<DirectoryIdentity>])[] = [
    ['itself', true, {}],
    ['another inode', false, { inode: '9' }],
    ['another birth', false, { bornNs: '9' }],
    ['another device', false, { device: '9' }],
    ['another mount', false, { mountId: '9' }],
    ['another file system', false, { mount: '/ xfs /dev/vdb' }],
    ['another process with its own mount numbers', true, { reader: 'r2', mountId: '9' }],
    ['after a boot, with other numbers', true, { boot: 'b2', reader: 'r2', mountId: '9', device: '9' }],
    ['after a boot, born at another time', false, { boot: 'b2', reader: 'r2', bornNs: '9' }],
    ['another process and device', false, { reader: 'r2', device: '9' }],
  ]
  for (const [what, expected, change] of cases) t.equal(sameDirectory(here, { ...here, ...change }), expected, what)
  const unborn = { ...here, bornNs: '0' }
  t.equal(sameDirectory(unborn, { ...unborn, reader: 'r2' }), true)
  t.equal(sameDirectory(unborn, { ...unborn, reader: 'r2', mountId: '9' }), false)
  t.equal(sameDirectory(unborn, { ...unborn, reader: 'r2', boot: 'b2' }), false)
})
