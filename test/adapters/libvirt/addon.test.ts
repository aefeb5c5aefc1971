import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import tap from 'tap'
import { addon, isNativeFailure, type NativeConnection } from '../../../src/adapters/libvirt/binding.ts'
import { PROJECT, startLibvirtHost, startPausedDomain, until, type Teardown } from '../../support/lab.ts'
import { makeDirectory, makeImage } from './rig.ts'

const host = await startLibvirtHost(tap)
const domain = await startPausedDomain(host, { name: 'vm1' })
const victim = join(import.meta.dirname, 'victim.js')
const options = { uri: host.uri, socketPath: '', keepAliveIntervalS: 5, keepAliveCount: 3, events: false }
const pid = await qemuPid()
const image = await makeImage(await makeDirectory(tap))
await host.virsh('attach-disk', domain, image, 'sda', '--targetbus', 'scsi')

async function qemuPid(): Promise<number> {
  const connection = await open()
  const view = await connection.observe(domain, [`${host.root}/run/libvirt`], [])
  connection.close()
  return view?.process?.pid as number
}

async function open(from: typeof addon = addon): Promise<NativeConnection> {
  const connection = new from.Connection(options, () => {})
  await connection.open()
  return connection
}

function stopQemu(t: Teardown): void {
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
}

async function threads(): Promise<number> {
  return (await readdir('/proc/self/task')).length
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then((value) => `resolved: ${String(value)}`, (error: unknown) => (isNativeFailure(error) ? error.code : String(error)))
}

/** Runs the victim as a process, and returns how it ended and what it said. */
async function run(end: string): Promise<{ code: number | null; signal: string | null; out: string; err: string }> {
  const child = spawn(process.execPath, [victim, host.uri, domain, end], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (said.err += String(chunk)))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, ...said }
}

void tap.test('a process ends at once with a call in flight that never returns', async (t) => {
  stopQemu(t)
  t.match(await run('exit'), { code: 7, signal: null, out: 'ready\n', err: '' })
  t.match(await run('throw'), { code: 1, signal: null, err: /uncaught/ })
  t.match(await run('close'), { code: 0, signal: null, out: 'ready\ncall: HOTPLUGD_CLOSED\n', err: '' })
})

void tap.test('a worker is terminated with a call in flight, and another works', async (t) => {
  const before = await threads()
  stopQemu(t)
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(victim, { argv: [host.uri, domain, 'wait'] })
    t.equal(String(await once(worker, 'message')), 'ready')
    await worker.terminate()
  }
  process.kill(pid, 'SIGCONT')
  await until('the threads of the workers to end', async () => (await threads()) <= before + 1) // libvirt's events
  const worker = new Worker(victim, { argv: [host.uri, domain, 'wait'] })
  await once(worker, 'message')
  t.equal(String(await once(worker, 'message')), `call: ${1 << 20}`)
  await once(worker, 'exit')
})

void tap.test('a second copy of the addon works beside the first', async (t) => {
  const copy = join(await makeDirectory(t), 'copy.node')
  await copyFile(join(PROJECT, 'native/build/Release/hotplugd_libvirt.node'), copy)
  const other = createRequire(import.meta.url)(copy) as typeof addon
  const [a, b] = await Promise.all([open(), open(other)])
  t.equal((await a.list()).length, 1)
  t.equal((await b.list()).length, 1)
  a.close()
  b.close()
})

void tap.test('a connection that is not open, or closed, answers so', async (t) => {
  const connection = new addon.Connection(options, () => {})
  t.equal(await codeOf(connection.list()), 'HOTPLUGD_NOT_OPEN')
  await connection.open()
  const listing = codeOf(connection.list())
  connection.close()
  connection.close()
  t.equal(await listing, 'HOTPLUGD_CLOSED')
  t.equal(await codeOf(connection.list()), 'HOTPLUGD_CLOSED')
  const lost = new addon.Connection({ ...options, uri: 'qemu+unix:///session?socket=/nonexistent' }, () => {})
  t.equal(await codeOf(lost.open()), 'VIR_ERR_SYSTEM_ERROR')
  lost.close()
})

void tap.test('wrong types are refused before anything is asked', async (t) => {
  const connection = await open()
  const unknown = connection as unknown as Record<string, (...args: unknown[]) => unknown>
  t.throws(() => unknown['observe']?.(1, []), { message: 'expected a string' })
  t.throws(() => unknown['observe']?.('a\0', []), { message: 'expected a string without a NUL character' })
  t.throws(() => unknown['xml']?.('a', 'both'), { message: "expected 'live' or 'config'" })
  t.throws(() => unknown['resize']?.('a', 'sda', -1), { message: 'expected a whole number in range' })
  t.throws(() => unknown['resize']?.('a', 'sda', 1.5), { message: 'expected a whole number in range' })
  t.throws(() => unknown['detach']?.('a', null, 'live'), { message: 'expected an object' })
  t.throws(() => new addon.Connection({ ...options, keepAliveCount: NaN }, () => {}), { message: /whole number/ })
  connection.close()
})

void tap.test('XML, update and shutdown', async (t) => {
  const connection = await open()
  t.match(await connection.xml(domain, 'live'), /^<domain type='qemu' id='\d+'>/)
  t.match(await connection.xml(domain, 'config'), /^<domain type='qemu'>/)
  t.equal(await codeOf(connection.update(domain, '<disk', 'live')), 'VIR_ERR_XML_DETAIL')
  t.equal(await codeOf(connection.update(domain, "<memballoon model='none'/>", 'live')), 'VIR_ERR_CONFIG_UNSUPPORTED')
  t.equal(await codeOf(connection.shutdown('nobody')), 'VIR_ERR_NO_DOMAIN')
  t.equal(await codeOf(connection.shutdown(domain)), 'VIR_ERR_OPERATION_INVALID', 'a paused guest cannot shut itself down')
  await host.virsh('resume', domain)
  t.equal(await codeOf(connection.shutdown(domain)), 'resolved: undefined')
  connection.close()
})
