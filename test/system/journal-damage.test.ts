import { readFileSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { type JournalEntry, JournalLines } from '../../src/adapters/linux/journal/journal-line.ts'
import { type Daemon, type DaemonDirectories, daemonDirectories, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { makeBlockDevice } from '../support/lab.ts'
import { actsOf, hasExactly, IMAGE_BYTES, leave, makeImage, openScene, type Scene } from './fault-scene.ts'

type Damage = (journal: Buffer) => Buffer

const THIS_BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

const DAMAGES: Readonly<Record<string, Damage>> = {
  torn: (journal) => journal.subarray(0, -40),
  'cut in the middle': (journal) => journal.subarray(0, journal.length / 2),
  'cut to nothing': () => Buffer.alloc(0),
  'bit-flipped in its first line': (journal) => flipped(journal, 20),
  'bit-flipped in its last line': (journal) => flipped(journal, journal.length - 100),
  'bit-flipped in every line': (journal) => Buffer.from(journal.map((byte, i) => (i % 150 === 60 ? byte ^ 1 : byte))),
  'of an earlier boot': (journal) => resealed(journal, '00000000-0000-0000-0000-000000000000'),
  'of a newer version': () => Buffer.from(headerOf(2)),
  'other bytes altogether': () => Buffer.from('\0\xff\n{"crc":"00000000"}\n'.repeat(50)),
}

let scene: Scene
let paths: readonly [string, string]

t.before(async () => {
  scene = await openScene(t)
  paths = [(await makeBlockDevice(IMAGE_BYTES, t)).path, await makeImage(scene.directory, 'image')]
})

for (const [damage, apply] of Object.entries(DAMAGES)) {
  t.test(`journal ${damage}: said, and the disks stay as they are`, (t) => survives(t, apply))
}

t.test('journal lost after a kill in the middle of a plug: the disk is taken over, not attached twice', async (t) => {
  const directories = await daemonDirectories(t)
  const killed = await spawnDaemon(t, { libvirt: scene.host.uri, directories, env: { HOTPLUGD_FAILPOINT: 'after:attached' } })
  await killed.waitReady()
  scene.host.signal('SIGSTOP') // the wish is on disk before the plug gets anywhere
  const { status } = await killed.add('vm1', 'block', paths[0]).finally(() => scene.host.signal('SIGCONT'))
  t.equal(status, 202)
  await killed.waitEnd()
  await rm(journalOf(directories))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await daemon.ready('vm1', 'block')
  await hasExactly(t, scene, ['block'])
  t.match(await actsOf(daemon), [{ op: 'adopt', volume: 'block' }], 'taken over, and nothing else was done')
  await leave(t, scene, daemon, ['block'])
})

async function survives(t: Test, damage: Damage): Promise<void> {
  const directories = await daemonDirectories(t)
  await plugBoth(t, directories)
  const before = await scene.guest.disks()
  await scene.guest.startChurn('block')
  await writeFile(journalOf(directories), damage(await readFile(journalOf(directories))))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  for (const name of ['block', 'image']) await daemon.ready('vm1', name)
  t.match(await daemon.log(), 'journal not fully understood', 'the damage is said')
  t.match((await readdir(directories.run)).join(' '), /exposures\.journal/, 'a journal is there')
  await isUntouched(t, daemon, before)
  await leave(t, scene, daemon, ['block', 'image'])
}

async function plugBoth(t: Test, directories: DaemonDirectories): Promise<void> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  for (const [i, name] of ['block', 'image'].entries()) await daemon.add('vm1', name, paths[i] ?? '')
  for (const name of ['block', 'image']) await daemon.ready('vm1', name)
  await hasExactly(t, scene, ['block', 'image'])
  await daemon.kill9()
}

/** A disk that was taken out and put in again would have failed the writer in the guest. */
async function isUntouched(t: Test, daemon: Daemon, before: readonly object[]): Promise<void> {
  t.equal((await scene.guest.stopChurn('block')).errors, 0, 'the guest went on writing')
  t.same(await scene.guest.disks(), before, 'the guest has the same disks at the same places')
  t.equal((await actsOf(daemon, 'plug')).length, 2, 'nothing was attached twice')
  t.same(await actsOf(daemon, 'unplug'), [], 'nothing was unplugged')
  await hasExactly(t, scene, ['block', 'image'])
}

function journalOf({ run }: DaemonDirectories): string {
  return join(run, 'exposures.journal')
}

function flipped(journal: Buffer, at: number): Buffer {
  const damaged = Buffer.from(journal)
  damaged[at] = (damaged[at] ?? 0) ^ 1
  return damaged
}

/** The same records, as a daemon of that boot would have written them. */
function resealed(journal: Buffer, boot: string): Buffer {
  const [here, there] = [new JournalLines(THIS_BOOT), new JournalLines(boot)]
  const entries = journal.toString().split('\n').flatMap((line): JournalEntry | [] => here.parseEntry(line) ?? [])
  return Buffer.from(there.header() + entries.map((entry) => there.entry(entry)).join(''))
}

/** A first line that is sound, of a format that this version does not know. */
function headerOf(format: number): string {
  const rest = JSON.stringify({ format, boot: THIS_BOOT }).slice(1, -1)
  return `{"crc":"${crc32(rest, crc32('hotplugd exposure journal')).toString(16).padStart(8, '0')}",${rest}}\n`
}
