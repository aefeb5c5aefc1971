import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { PROJECT, until } from '../support/lab.ts'

/** Starts the quickstart with a directory for temporary files of its own, so that what it leaves there can be told. */
const start = async (t: Test, ...flags: readonly string[]) => {
  const directory = await mkdtemp(join(tmpdir(), 'q-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const child = spawn(process.execPath, [join(PROJECT, 'out/test/quickstart/main.js'), ...flags], { env: { ...process.env, TMPDIR: directory }, stdio: ['ignore', 'pipe', 'pipe'] })
  return { directory, child, said: text(child.stdout as NonNullable<ChildProcess['stdout']>), shown: text(child.stderr as NonNullable<ChildProcess['stderr']>) }
}

t.test('the quickstart shows volumes that the guest sees, one that fails, and leaves nothing', async (t) => {
  const { child, said, shown, directory } = await start(t, '--json')
  const [exitCode] = (await once(child, 'close')) as [number]
  t.equal(exitCode, 0, await shown)
  const result = JSON.parse(await said) as { volumes: object[] }
  t.match(result, { ok: true, kept: null })
  t.match(result.volumes, [
    { volume: 'data', serialAsked: 'DATA-0001', serialSeen: 'DATA-0001', phase: '(unplugged)' },
    { volume: 'backup', serialAsked: 'BACKUP-0001', serialSeen: 'BACKUP-0001', phase: 'Ready' },
    { volume: 'data', serialAsked: 'DATA-0002', serialSeen: 'DATA-0002', phase: 'Ready', stages: { attached: Number } },
    { volume: 'archive', serialAsked: 'ARCHIVE-0001', serialSeen: null, phase: 'Pending', reason: 'SourceMissing' },
  ])
  t.strictSame(await readdir(directory), [])
})

t.test('Ctrl-C ends it and leaves nothing', async (t) => {
  const { child, shown, directory } = await start(t, '--json')
  await until('its directory', async () => (await readdir(directory)).length > 0)
  child.kill('SIGINT')
  const [exitCode] = (await once(child, 'close')) as [number]
  t.equal(exitCode, 130)
  t.match(await shown, /ended by SIGINT/)
  t.strictSame(await readdir(directory), [])
})

t.test('an unknown flag is named', async (t) => {
  const { child, shown } = await start(t, '--kep')
  t.equal(((await once(child, 'close')) as [number])[0], 2)
  t.match(await shown, /unknown argument '--kep'/)
})
