import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Hopeless, until } from '../wait.ts'
import type { Keeper } from './keeper.ts'

/** Path of the daemon's socket inside its namespace. */
export const SOCKET = '/run/libvirt/libvirt-sock'

/** Joins the cgroups, then becomes the command. */
const JOIN = 'for cgroup in $1; do echo $$ >"$cgroup/cgroup.procs" || exit 1; done; shift; exec "$@"'

const LAST_RESORT_MS = 5000

/** Starts libvirtd in the keeper's namespace and resolves once it takes connections. */
export const startDaemon = async (keeper: Keeper): Promise<ChildProcess> => {
  const enter = ['nsenter', `--mount=/proc/${keeper.pid}/ns/mnt`, `--root=${keeper.root}`, 'libvirtd', '--config', '/etc/libvirt/libvirtd.conf']
  const child = spawn('sh', ['-c', JOIN, 'sh', (keeper.cgroups ?? []).join(' '), ...enter], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk))
  child.unref()
  ;(child.stderr as unknown as { unref(): void }).unref()
  await until('libvirtd to answer', () => {
    if (child.exitCode !== null) throw new Hopeless(`libvirtd ended with ${child.exitCode}: ${said}`)
    return canConnect(keeper.root + SOCKET)
  })
  return child
}

/** Ends the daemon only, stopped or not; its guests go on. One that waits for a stuck guest is killed after a while. */
export const endDaemon = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const gone = once(child, 'exit')
  const killer = setTimeout(() => child.kill('SIGKILL'), LAST_RESORT_MS)
  child.kill(signal)
  child.kill('SIGCONT')
  await gone.finally(() => clearTimeout(killer))
}

const canConnect = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
