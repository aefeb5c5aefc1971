import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { supportFile } from '../../paths.ts'

/** Namespaces of a node of the lab. They last until `end`, or until this process is gone. */
export interface NodeKeeper {
  /** The node's PID 1, as seen from here. */
  readonly pid: number
  /** The node's file system as seen from here. */
  readonly root: string
  /** What to put before a command so that it runs on the node. */
  readonly enter: readonly string[]
  /** Kills everything on the node and resolves when nothing is left of it. Safe to call twice. */
  end(): Promise<void>
}

export interface KeeperOptions {
  /** Removed at the end. */
  readonly directory: string
  /** The name of the node's cgroup in every hierarchy. */
  readonly cgroup: string
  /** Beside its pids. */
  readonly namespaces: readonly ('mount' | 'net' | 'uts' | 'ipc')[]
  /** A script of this folder, and its arguments: the node's PID 1. It says `ready` when the node is. */
  readonly init: readonly [script: string, ...args: string[]]
}

/** Throws if a namespace, a cgroup or a mount cannot be made. */
export const startNodeKeeper = async ({ directory, cgroup, namespaces, init: [script, ...args] }: KeeperOptions): Promise<NodeKeeper> => {
  const options = namespaces.map((name) => `--${name}`)
  const command = ['bash', supportFile(`kubernetes/node/${script}`), ...args]
  const child = spawn('bash', [supportFile('kubernetes/node/keeper.sh'), directory, cgroup, ...options, '--', ...command], {
    stdio: 'pipe',
    detached: true, // Ctrl-C is for us; the keeper ends after us
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk))
  const ended = once(child, 'exit')
  const failed = ended.then(() => Promise.reject(new Error(`the node could not be made: ${said.trim()}`)))
  failed.catch(() => undefined)
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), failed])) as [string]
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as { unref?: () => void }[]) handle.unref?.()
  const pid = Number(line.split(' ')[1])
  const enter = ['nsenter', `--target=${pid}`, '--mount', '--pid', ...namespaces.filter((name) => name !== 'mount').map((name) => `--${name}`), '--cgroup', '--root', '--wd=/']
  return { pid, root: `/proc/${pid}/root`, enter, end: () => end(child, ended, () => said) }
}

const end = async (child: ChildProcess, ended: Promise<unknown>, said: () => string): Promise<void> => {
  child.ref()
  child.stdin?.end()
  if (child.exitCode === null && child.signalCode === null) await ended
  if (child.exitCode !== 0) throw new Error(said().trim() || `the node's keeper ended with ${child.exitCode ?? child.signalCode}`)
}
