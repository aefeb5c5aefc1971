import { spawn, type ChildProcess } from 'node:child_process'

export interface User {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/**
 * Runs a script as another user. Node starts as root and steps down before the script begins, because a clone in root's
 * home cannot be read by anybody else.
 */
export function spawnAs({ uid, gid, groups }: User, script: string, ...args: readonly string[]): ChildProcess {
  const stepDown = `process.setgroups(${JSON.stringify(groups)}); process.setgid(${gid}); process.setuid(${uid});`
  return spawn(process.execPath, ['-e', stepDown + script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}
