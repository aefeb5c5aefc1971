import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { makeBlockDevice, startGuest, startLibvirtHost, startPausedDomain, until } from './lab.ts'

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

/** Not there, or only a name that its parent has not asked about yet. */
const isGone = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return stat === null || /\) Z /.test(stat)
}
const allGone = async (pids: readonly number[]): Promise<boolean> => (await Promise.all(pids.map(isGone))).every(Boolean)
const loopBacking = (device: string): string => `/sys/block/${device.replace('/dev/', '')}/loop/backing_file`

/** What the process that is going to be killed makes. */
const live = async (): Promise<void> => {
  const host = await startLibvirtHost()
  const guest = await startGuest(host)
  const device = await makeBlockDevice(1 << 20)
  const keeper = Number(host.root.split('/')[2])
  console.log(JSON.stringify({ pids: [keeper, host.pid, await guest.qemuPid()], device: device.path, file: device.backingFile }))
  setInterval(() => undefined, 1000)
}

const tests = (): void => {
  t.test('after stop nothing is left', async (t) => {
    const host = await startLibvirtHost()
    const guest = await startGuest(host)
    await startPausedDomain(host, { name: 'vm2' })
    const pids = [Number(host.root.split('/')[2]), host.pid, await guest.qemuPid()]
    host.signal('SIGSTOP') // a daemon that cannot help
    await host.stop()
    t.ok(await allGone(pids))
    await t.rejects(access(host.root))
    await host.stop()
  })

  t.test('a block device is gone after its test, and when it was detached by hand', async (t) => {
    const device = await makeBlockDevice(1 << 20)
    t.ok(await exists(loopBacking(device.path)))
    await device.dispose()
    t.notOk(await exists(loopBacking(device.path)))
    t.notOk(await exists(device.backingFile))
  })

  t.test('when the test process is killed nothing is left', async (t) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'live'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const made = JSON.parse(line) as { pids: number[]; device: string; file: string }
    t.notOk(await allGone(made.pids))
    child.kill('SIGKILL')
    await until('the lab of the killed process to go', () => allGone(made.pids))
    await until('its block device to go', async () => !(await exists(made.file)) && !(await exists(loopBacking(made.device))))
    t.pass('all gone')
  })
}

if (process.argv[2] === 'live') await live()
else tests()
