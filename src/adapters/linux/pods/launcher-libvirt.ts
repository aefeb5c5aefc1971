import { closeSync } from 'node:fs'
import { HotplugError } from '../../../errors.ts'
import { addon } from '../binding.ts'
import type { LauncherSocketFound } from './pod-binding.ts'
import { isOutdated, PodViews, type NodeRoots } from './pod-views.ts'
import { failed, isSystemFailure } from '../system-failure.ts'

/** Relative to the launcher's root, the newer name first. */
const NAMES = ['run/libvirt/virtqemud-sock', 'run/libvirt/libvirt-sock', 'var/run/libvirt/virtqemud-sock', 'var/run/libvirt/libvirt-sock']

/** The socket of a launcher's libvirt, held by a descriptor: what is connected to is what was proven. */
export interface LauncherLibvirt {
  readonly fd: number
  readonly uri: string
  /** Another one once the daemon was restarted. */
  readonly id: string
  /** Processes of the pod at that moment. */
  readonly pids: readonly number[]
  /** Closes the descriptor. */
  close(): void
}

/**
 * Finds the socket of the libvirt daemon in a launcher, within the launcher's own root, and makes sure that a process of
 * that pod listens on it. A name that is a link is passed over. Throws HotplugError `LauncherNotFound`, `LibvirtUnavailable`,
 * `UnsafePath`.
 */
export async function openLauncherLibvirt(podUid: string, roots: NodeRoots = {}): Promise<LauncherLibvirt> {
  const views = new PodViews(roots)
  try {
    return await open(podUid, views)
  } catch (error) {
    if (isOutdated(error)) throw notRunning(podUid)
    throw isSystemFailure(error) ? failed('LibvirtUnavailable', `reach the libvirt of launcher pod ${podUid}`, error) : error
  }
}

/** Pids of all processes of a pod by its control group; none if it has ended. Throws HotplugError `UnsafePath`. */
export function podProcesses(podUid: string, roots: NodeRoots = {}): Promise<readonly number[]> {
  return new PodViews(roots).pids(podUid)
}

async function open(podUid: string, views: PodViews): Promise<LauncherLibvirt> {
  const launcher = await views.launcher(podUid)
  if (launcher === null) throw notRunning(podUid)
  const socket = await addon.openLauncherSocket(launcher.place.process, NAMES)
  if (socket.kind === 'none') throw noSocket(podUid, socket)
  const { fd, id, pid, path } = socket
  const close = closeOnce(fd)
  try {
    const pids = await views.pids(podUid)
    if (!pids.includes(pid)) throw foreignListener(podUid, path, pid)
    return { fd, id, pids, close, uri: `qemu+unix:///session?socket=/proc/self/fd/${fd}` }
  } catch (error) {
    close()
    throw error
  }
}

/** The number may be another file's after the first time. */
function closeOnce(fd: number): () => void {
  let isOpen = true
  return () => {
    if (isOpen) closeSync(fd)
    isOpen = false
  }
}

function notRunning(podUid: string): HotplugError {
  return new HotplugError('LauncherNotFound', `no container of launcher pod ${podUid} runs here`, { detail: { pod: podUid } })
}

function noSocket(podUid: string, { found }: Extract<LauncherSocketFound, { kind: 'none' }>): HotplugError {
  const seen = found.map(({ path, what }) => `/${path} is a ${what}`).join(', ')
  return new HotplugError('LibvirtUnavailable', `launcher pod ${podUid} has no socket of libvirt${seen === '' ? '' : `: ${seen}`}`, {
    remedy: 'Wait: libvirt is looked for again; if it stays away, look at the log of the virt-launcher pod.',
    detail: { pod: podUid },
  })
}

function foreignListener(podUid: string, path: string, pid: number): HotplugError {
  const message = `process ${pid}, which listens on /${path} of launcher pod ${podUid}, is not of that pod`
  return new HotplugError('UnsafePath', message, { remedy: 'Delete the pod: its libvirt socket leads out of it.', detail: { pod: podUid, pid } })
}
