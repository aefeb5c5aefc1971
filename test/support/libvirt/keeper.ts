import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { labCache, supportFile } from '../paths.ts'

/** A mount namespace of its own that lasts until `end`, or until this process is gone. */
export interface Keeper {
  readonly pid: number
  /** The namespace's file system as seen from outside. */
  readonly root: string
  /** Directories of the cgroups that the daemon and its guests belong to. @default this process' own */
  readonly cgroups?: readonly string[]
  /** Kills everything in the namespace and resolves when nothing is left of it. */
  end(): Promise<void>
}

const say = (child: ChildProcess): Promise<string> => {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk))
  return once(child, 'exit').then(() => text)
}

/** Throws if this user may not make a namespace, or a mount fails. */
export const startKeeper = async (): Promise<Keeper> => {
  await mkdir(labCache(), { recursive: true })
  const child = spawn('unshare', ['--mount', '--propagation', 'slave', 'bash', supportFile('libvirt/keeper.sh'), labCache()], {
    stdio: 'pipe',
    detached: true, // Ctrl-C is for us; the keeper ends after us
  })
  const said = say(child)
  const ready = once(createInterface(child.stdout), 'line')
  await Promise.race([ready, said.then((text) => Promise.reject(new Error(`the lab's namespace could not be made: ${text.trim()}`)))])
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as { unref?: () => void }[]) handle.unref?.()
  const pid = child.pid as number
  return { pid, root: `/proc/${pid}/root`, end: () => endKeeper(child, said) }
}

const endKeeper = async (child: ChildProcess, said: Promise<string>): Promise<void> => {
  child.ref()
  child.stdin?.end()
  const text = await said
  if (child.exitCode !== 0) throw new Error(text.trim() || `the keeper ended with ${child.exitCode ?? child.signalCode}`)
}
