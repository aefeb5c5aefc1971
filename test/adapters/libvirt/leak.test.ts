import { readdir } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import tap, { type Test } from 'tap'
import { addon } from '../../../src/adapters/libvirt/binding.ts'
import { leastGrowth } from '../../support/growth.ts'
import { startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { key, makeDirectory, makeImage, openRig, planOf, remove } from './rig.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

const host = await startLibvirtHost(tap)
const vm = key(await startPausedDomain(host, { name: 'vm1' }))
const path = await makeImage(await makeDirectory(tap))
const rig = openRig(tap, host.uri)
await rig.up()

const SLACK_BYTES = 2 << 20

interface Holdings {
  readonly descriptors: number
  readonly threads: number
}

async function holdings(): Promise<Holdings> {
  return { descriptors: (await readdir('/proc/self/fd')).length, threads: (await readdir('/proc/self/task')).length }
}

function rssBytes(): number {
  collect()
  return process.memoryUsage.rss()
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await act()
}

/** The first rounds fill caches and start threads; after them nothing may grow. */
async function staysFlat(t: Test, warmUp: number, rounds: number, act: () => Promise<unknown>): Promise<void> {
  await times(warmUp, act)
  const before = await holdings()
  const grown = await leastGrowth(SLACK_BYTES, () => times(rounds, act), rssBytes)
  const flat = (now: Holdings) => now.descriptors <= before.descriptors && now.threads <= before.threads
  await until('descriptors and threads to be as before', async () => flat(await holdings()))
  t.ok(grown <= SLACK_BYTES, `memory: ${grown} bytes more after every ${rounds} rounds`)
}

const plan = planOf(path)

void tap.test('reading a domain 1,000 times', async (t) => {
  await staysFlat(t, 500, 1_000, () => Promise.all([rig.domains.observe(vm), rig.domains.liveDisk(vm, plan.alias)]))
})

void tap.test('plugging and unplugging 100 times', async (t) => {
  await staysFlat(t, 20, 100, async () => {
    await rig.domains.attach(vm, plan)
    await remove(rig, vm, plan)
  })
})

void tap.test('opening and closing 100 connections', async (t) => {
  const options = { uri: host.uri, socketPath: host.socketPath, keepAliveIntervalS: 5, keepAliveCount: 3, events: true }
  await staysFlat(t, 20, 100, async () => {
    const connection = new addon.Connection({ ...options, uri: 'qemu+unix:///session' }, () => {})
    await connection.open()
    connection.close()
  })
})

void tap.test('500 refused connections', async (t) => {
  const options = { uri: 'qemu+unix:///session', socketPath: '/nonexistent', keepAliveIntervalS: 5, keepAliveCount: 3, events: true }
  await staysFlat(t, 100, 500, async () => {
    const connection = new addon.Connection(options, () => {})
    await connection.open().catch(() => {})
    connection.close()
  })
})
