import { readdir, readFile, readlink } from 'node:fs/promises'
import { run } from '../command.ts'

/** Something that a test run made and did not take away. */
export interface Leftover {
  readonly what: string
  /** Takes it away. */
  readonly remove: () => Promise<unknown>
}

/** Environment variable that marks every process of one run. Not HOTPLUGD_…: the daemon refuses what it does not know. */
export const MARK = 'LAB_TEST_RUN'

/** Everything that still bears the mark of the run or lies below its directory for temporary files. */
export const findLeftovers = async (mark: string, directory: string): Promise<Leftover[]> => [
  ...(await processes(mark)),
  ...(await orphans()),
  ...(await mounts(directory)),
  ...(await loopDevices(directory)),
]

const pids = async (): Promise<string[]> => (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

const processes = async (mark: string): Promise<Leftover[]> => {
  const found: Leftover[] = []
  for (const pid of await pids()) {
    if (pid === String(process.pid)) continue
    const environment = (await textOf(`/proc/${pid}/environ`)).split('\0')
    if (environment.includes(`${MARK}=${mark}`)) found.push(await processLeftover(pid))
  }
  return found
}

/** libvirt gives QEMU an environment of its own; but a guest in a lab's namespace without its keeper belongs to nobody. */
const orphans = async (): Promise<Leftover[]> => {
  const inside = new Map<string, string[]>()
  const kept = new Set<string>()
  for (const pid of await pids()) {
    if (!(await textOf(`/proc/${pid}/mountinfo`)).includes(' hotplugd-lab ')) continue
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => '')
    if ((await textOf(`/proc/${pid}/cmdline`)).includes('keeper.sh')) kept.add(namespace)
    inside.set(namespace, [...(inside.get(namespace) ?? []), pid])
  }
  const alone = [...inside].flatMap(([namespace, members]) => (kept.has(namespace) ? [] : members))
  return Promise.all(alone.map(processLeftover))
}

const processLeftover = async (pid: string): Promise<Leftover> => {
  const command = (await textOf(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ').slice(0, 120)
  return { what: `process ${pid}: ${command}`, remove: async () => process.kill(Number(pid), 'SIGKILL') }
}

const mounts = async (directory: string): Promise<Leftover[]> => {
  const points = (await textOf('/proc/self/mountinfo')).split('\n').map((line) => line.split(' ')[4] ?? '')
  const ours = points.filter((point) => point.startsWith(directory)).reverse()
  return ours.map((point) => ({ what: `mount ${point}`, remove: () => run('umount', [point]) }))
}

const loopDevices = async (directory: string): Promise<Leftover[]> => {
  const { loopdevices } = JSON.parse((await run('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE'])) || '{"loopdevices":[]}') as {
    loopdevices: { name: string; 'back-file': string | null }[]
  }
  const ours = loopdevices.filter((loop) => loop['back-file']?.startsWith(directory))
  return ours.map(({ name, 'back-file': file }) => ({ what: `loop device ${name} of ${file}`, remove: () => run('losetup', ['--detach', name]) }))
}
