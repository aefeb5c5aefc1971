import { readdir, readFile } from 'node:fs/promises'

const PAGE_KIB = 4

/** What the kernel says of a process. */
export interface ProcessFacts {
  readonly rssMiB: number
  readonly descriptors: number
  readonly threads: number
  /** Mounts in its mount namespace. */
  readonly mounts: number
}

export async function processFacts(pid: number): Promise<ProcessFacts> {
  const entries = async (name: string): Promise<number> => (await readdir(`/proc/${pid}/${name}`)).length
  const [descriptors, threads] = await Promise.all([entries('fd'), entries('task')])
  const mounts = (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).trim().split('\n').length
  return { descriptors, threads, mounts, rssMiB: await rssMiB(pid) }
}

/** Memory of the process that is in RAM. */
export async function rssMiB(pid: number): Promise<number> {
  const [, resident = NaN] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ').map(Number)
  return (resident * PAGE_KIB) / 1024
}

/** CPU time of all its threads so far, ms. */
export async function cpuMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')))
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0)
}

/**
 * What a process leaves of children that it had and has: their CPU time and page faults (a child that ended without one page
 * fault there is not), and how many there are now. The same as before: nothing was forked.
 */
export async function childTraces(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [faults, majorFaults, userTicks, systemTicks] = [fields[8], fields[10], fields[13], fields[14]]
  const threads = await readdir(`/proc/${pid}/task`)
  const children = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')))
  return [faults, majorFaults, userTicks, systemTicks, ...children.flatMap((text) => text.split(' ').filter(Boolean))].join(' ')
}

/** Loop devices in use on the machine. */
export async function loopDevices(): Promise<number> {
  const blocks = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))
  const backing = await Promise.all(blocks.map((name) => readFile(`/sys/block/${name}/loop/backing_file`).then(() => 1, () => 0)))
  return backing.reduce<number>((sum, one) => sum + one, 0)
}
