import { join } from 'node:path'
import t from 'tap'
import { makeDirectory, makeFile, MIB, startScene } from './user-scene.ts'

const { guest, daemon } = await startScene(t, { guest: { memoryMiB: 512 } })
const directory = await makeDirectory(t)
const names = Array.from({ length: 100 }, (_, i) => `volume-${i}`)
const serialOf = (name: string): string => name.replace('volume', 'Serial')

t.test('100 volumes at once into one VM: the guest sees every serial', async (t) => {
  const answers = await Promise.all(names.map(async (name) => daemon.add('vm1', name, await makeFile(join(directory, name), MIB), { serial: serialOf(name) })))
  t.same([...new Set(answers.map(({ status }) => status))], [202])
  const disks = await guest.waitForDisks(names.map(serialOf))
  t.equal(new Set(disks.map(({ address }) => address)).size, 100)
  const volumes = await Promise.all(names.map((name) => daemon.ready('vm1', name)))
  t.equal(new Set(volumes.map(({ target }) => target)).size, 100)
})

t.test('each serial leads to its own bytes', async (t) => {
  for (const name of names.filter((_, i) => i % 10 === 0)) {
    await guest.write(serialOf(name), 0, name)
    t.equal(String(await guest.read(serialOf(name), 0, name.length)), name)
  }
})

t.test('and out again, all at once', async (t) => {
  const answers = await Promise.all(names.map((name) => daemon.remove('vm1', name)))
  t.same([...new Set(answers.map(({ status }) => status))], [202])
  await guest.waitForDisks([])
  await Promise.all(names.map((name) => daemon.gone('vm1', name)))
  t.equal(await guest.ioErrors(), 0)
})
