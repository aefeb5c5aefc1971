import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ask } from '../http/ask-as-user.ts'
import { REASONS, type Reason } from '../../src/errors.ts'
import { type Daemon, daemonDirectories, type DaemonOptions, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { run, until } from '../support/lab.ts'
import { AGAIN, type Cases, refuses, tells } from './case.ts'
import type { Standalone } from './standalone.ts'

const GROUP = 61_001
const WATCHES = 16
/** More than fit into the last page of a journal. */
const MANY = Array.from({ length: 6 }, (_, i) => `unnoted${i}`)
const VMIS = '/apis/kubevirt.io/v1/virtualmachineinstances'
const REMOVE = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1/removevolume'

/** Gives the daemon's directory a small file system of its own; returns what fills it up to the last byte. */
async function makeSmall(t: Test, directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', directory])
  t.teardown(() => run('umount', ['--lazy', directory]))
  return () => run('dd', ['if=/dev/zero', `of=${join(directory, 'filler')}`]).then(() => undefined, () => undefined)
}

/** The daemon does not start, and a person at the terminal is told why. */
async function cannotRun(t: Test, options: DaemonOptions, reason: Reason, cause: string | RegExp): Promise<void> {
  const daemon = await spawnDaemon(t, options)
  await daemon.waitEnd()
  t.not(daemon.child.exitCode, 0)
  const [, words, todo] = /^error: (.*)\n {2}remedy: (.*)$/m.exec(await daemon.log()) ?? []
  t.match({ words, todo }, { words: cause, todo: REASONS[reason].remedy })
}

/** A watch that goes on until the end of the test. */
function openWatch(t: Test, { socket }: Daemon): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const watch = request({ socketPath: socket, path: `${VMIS}?watch=true` }, resolve)
    watch.on('error', reject).end()
    t.teardown(() => watch.destroy())
  })
}

/** What the agent itself, or who asks it, is the cause of. */
export const AGENT = {
  AccessDenied: async (t, room) => {
    const daemon = await startDaemon(t, { libvirt: room.host.uri, flags: ['--socket-group', String(GROUP)] })
    await chmod(daemon.directories.base, 0o755)
    const { code, text } = await ask({ uid: 65_534, gid: 65_534, groups: [GROUP] }, daemon.socket, 'PUT', REMOVE)
    const causes = [{ reason: 'AccessDenied', message: /^only root and members of --admin-group \(none is set\) may change \w+; uid 65534/ }, { reason: 'Remedy', message: REASONS.AccessDenied.remedy }]
    t.match({ code, body: JSON.parse(text) as unknown }, { code: 403, body: { details: { causes } } })
    await daemon.stop()
  },

  TooManyRequests: async (t, room) => {
    const watches = await Promise.all(Array.from({ length: WATCHES }, () => openWatch(t, room.daemon)))
    await refuses(t, room.daemon, ['get', 'vmis', '--watch'], 'TooManyRequests', { cause: `too many watches are open: ${WATCHES} of uid 0` })
    for (const watch of watches) watch.destroy()
  },

  JournalUnwritable: async (t, room) => {
    const directories = await daemonDirectories(t)
    const fill = await makeSmall(t, directories.run)
    const daemon = await startDaemon(t, { libvirt: room.host.uri, directories })
    await fill()
    for (const name of MANY) await daemon.add('vm1', name, await room.image(name))
    const { name } = await until('the journal to be full', async () => (await daemon.volumes('vm1')).find(({ reason }) => reason === 'JournalUnwritable'))
    await tells(t, daemon, name, 'JournalUnwritable', { cause: `cannot write the exposure journal ${directories.run}/exposures.journal: ENOSPC`, next: AGAIN, evidence: { errno: 'ENOSPC' } })
    await rm(join(directories.run, 'filler'))
    for (const name of MANY) await daemon.ready('vm1', name)
    for (const name of MANY) await daemon.remove('vm1', name)
    for (const name of MANY) await daemon.gone('vm1', name)
    await daemon.stop()
  },

  StateUnwritable: async (t, room) => {
    const directories = await daemonDirectories(t)
    const fill = await makeSmall(t, directories.state)
    const daemon = await startDaemon(t, { libvirt: room.host.uri, directories })
    await fill()
    const line = ['addvolume', 'vm1', '--volume-name=unkept', `--source=${await room.image('unkept')}`]
    await refuses(t, daemon, line, 'StateUnwritable', { cause: /cannot write \S+\/state\/\S+: ENOSPC/ })
    await until('nothing of it to stay', async () => (await daemon.volume('vm1', 'unkept')) === undefined)
    await daemon.stop()
  },

  StateFromNewerVersion: async (t, room) => {
    const directories = await daemonDirectories(t)
    await mkdir(directories.state)
    await writeFile(join(directories.state, 'format-version'), '99\n')
    await cannotRun(t, { libvirt: room.host.uri, directories }, 'StateFromNewerVersion', `${directories.state} has format "99", this version of hotplugd reads 1`)
  },

  NodeLocked: async (t, room) => {
    const { daemon } = room
    const second = await spawnDaemon(t, { libvirt: room.host.uri, directories: daemon.directories })
    const told = new RegExp(`"pid":${daemon.pid},"runDir":"${daemon.directories.run}","reason":"NodeLocked"`)
    await until('it to say whom it waits for', async () => told.test(await second.log()))
    await second.stop()
    t.equal(second.child.exitCode, 0)
  },

  ConfigInvalid: async (t, room) => {
    await cannotRun(t, { libvirt: room.host.uri, flags: ['--listen=nowhere'] }, 'ConfigInvalid', "--listen: found 'nowhere', allowed: HOST:PORT")
  },

  InternalError: async (t, room) => {
    const daemon = await startDaemon(t, { libvirt: room.host.uri, env: { HOTPLUGD_FAILPOINT: 'throw:before:exposing' } })
    await daemon.add('vm1', 'unforeseen', await room.image('unforeseen'))
    await tells(t, daemon, 'unforeseen', 'InternalError', { cause: 'the failpoint was asked to throw', next: AGAIN, evidence: { path: room.at('unforeseen') } })
    t.match(await daemon.log(), /"reason":"InternalError".*failpoint\.[jt]s/, 'the log has where it came from')
    await daemon.stop()
  },
} satisfies Cases<Standalone>
