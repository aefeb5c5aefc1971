import { join } from 'node:path'
import t from 'tap'
import { startPausedDomain, until } from '../support/lab.ts'
import { deleteManifest, writeManifest } from './manifest.ts'
import { diskXml, makeDirectory, makeFile, MIB, startScene } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)
const directory = await makeDirectory(t)
const image = (name: string, sizeBytes = MIB): Promise<string> => makeFile(join(directory, name), sizeBytes)
const [one, two] = [await image('one', MIB), await image('two', 2 * MIB)]
await startPausedDomain(host, { name: 'vm2' })

const sourceOf = async (vm: string, volume: string): Promise<string | undefined> => /<source file='([^']+)'/.exec((await diskXml(host, vm, volume)) ?? '')?.[1]

t.test('two volumes of a VM that change their sources in one edit', async () => {
  await writeManifest(daemon, 'vm1', { a: one, b: two })
  await guest.waitForDisk('a', MIB)
  await writeManifest(daemon, 'vm1', { a: two, b: one })
  await guest.waitForDisk('a', 2 * MIB)
  await guest.waitForDisk('b', MIB)
  for (const name of ['a', 'b']) await daemon.ready('vm1', name)
})

t.test('another name for the same source', async () => {
  await writeManifest(daemon, 'vm1', { c: two, b: one })
  await guest.waitForDisks(['b', 'c'])
  await daemon.ready('vm1', 'c')
})

t.test('from one VM to another, and across, in whatever order the files come', async () => {
  await writeManifest(daemon, 'vm2', { c: two })
  await daemon.reason('vm2', 'c', 'SourceInUse')
  await writeManifest(daemon, 'vm1', { b: one })
  await daemon.ready('vm2', 'c')
  await Promise.all([writeManifest(daemon, 'vm1', { b: two }), writeManifest(daemon, 'vm2', { c: one })])
  await until('the sources to be swapped', async () => (await sourceOf('vm1', 'b')) === two && (await sourceOf('vm2', 'c')) === one)
  await daemon.ready('vm1', 'b')
  await daemon.ready('vm2', 'c')
})

t.test('a persisted volume that gets another source: in both, at one place', async (t) => {
  await writeManifest(daemon, 'vm2', { c: { path: one, persist: true } })
  await until('it to be persisted', async () => (await daemon.volume('vm2', 'c'))?.persisted)
  const other = await image('other')
  await writeManifest(daemon, 'vm2', { c: { path: other, persist: true } })
  await until('the definition to follow', async () => (await diskXml(host, 'vm2', 'c', '--inactive'))?.includes(other))
  await until('it to be persisted again', async () => (await daemon.ready('vm2', 'c')).persisted)
  t.equal(await sourceOf('vm2', 'c'), other)
  t.equal((await host.virsh('dumpxml', '--inactive', 'vm2')).split('<disk ').length - 1, 1)
})

t.test('all files gone: all disks gone', async (t) => {
  await Promise.all([deleteManifest(daemon, 'vm1.yaml'), deleteManifest(daemon, 'vm2.yaml')])
  await guest.waitForDisks([])
  await daemon.gone('vm1', 'b')
  await daemon.gone('vm2', 'c')
  t.equal(await diskXml(host, 'vm2', 'c', '--inactive'), null)
  t.equal(await guest.ioErrors(), 0)
})

t.test('one source asked for by two VMs at the same instant goes to one of them', async (t) => {
  for (let i = 0; i < 10; i++) {
    const answers = await Promise.all(['vm1', 'vm2'].map((vm) => daemon.add(vm, 'race', one)))
    t.ok(answers.some(({ status }) => status === 202))
    const states = await until('one Ready, the other refused', async () => {
      const both = await Promise.all(['vm1', 'vm2'].map((vm) => daemon.volume(vm, 'race')))
      const done = both.filter((volume) => volume?.phase === 'Ready').length === 1 && both.every((volume) => volume === undefined || volume.phase === 'Ready' || volume.reason === 'SourceInUse')
      return done ? both : null
    })
    t.equal(states.filter((volume) => volume?.phase === 'Ready').length, 1)
    await Promise.all(['vm1', 'vm2'].map((vm) => daemon.remove(vm, 'race')))
    await Promise.all(['vm1', 'vm2'].map((vm) => daemon.gone(vm, 'race')))
  }
})

t.test('one name asked for twice at the same instant: one is refused', async (t) => {
  const answers = await Promise.all([one, two].map((path) => daemon.add('vm1', 'twice', path)))
  t.same(answers.map(({ status }) => status).sort((a, b) => a - b), [202, 409])
  await daemon.ready('vm1', 'twice')
  await daemon.remove('vm1', 'twice')
  await daemon.gone('vm1', 'twice')
})

t.test('added and removed faster than it can be plugged leaves nothing', async (t) => {
  for (let i = 0; i < 20; i++) {
    t.equal((await daemon.add('vm1', 'brief', one)).status, 202)
    t.equal((await daemon.remove('vm1', 'brief')).status, 202)
  }
  await daemon.gone('vm1', 'brief')
  await guest.waitForDisks([])
  t.equal(await diskXml(host, 'vm1', 'brief'), null)
})
