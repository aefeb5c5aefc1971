import { accessSync, constants, existsSync, lstatSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'
import { groupId } from '../config/group-id.ts'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Can it be made, do its groups exist, and can their members reach it? */
export function lookAtSocket({ config }: Surroundings): readonly Finding[] {
  const groups = [...lookAtGroup('admin-group', config.adminGroup), ...lookAtGroup('socket-group', config.socketGroup)]
  const found = lstatSync(config.socket, { throwIfNoEntry: false })
  return [...groups, found === undefined ? lookAtNest(config) : lookAtFile(config, found)]
}

function lookAtGroup(option: string, group: string | null): readonly Finding[] {
  if (group === null) return []
  try {
    return [ok(option, `${group} is group ${numberOf(group)}`)]
  } catch (thrown) {
    return [failed(option, wordsOf(thrown), `Make the group (groupadd ${group}), or correct --${option}.`)]
  }
}

function numberOf(group: string): number {
  return groupId(group, readFileSync('/etc/group', 'utf8'))
}

function lookAtFile({ socket: path, socketGroup, adminGroup }: Config, found: Stats): Finding {
  const group = socketGroup ?? adminGroup
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
  const seen = `${path}, mode ${mode}, uid ${found.uid}, gid ${found.gid}`
  if (!found.isSocket()) return failed('socket', `${path} is there and is no socket`, 'Remove it, or choose another --socket.')
  if (mode !== '0660') return warning('socket', seen, 'Restart hotplugd: it makes its socket with mode 0660. Who may ask is decided by who asks, not by the mode.')
  return group === null ? ok('socket', seen) : lookAtWay(path, { seen, gid: found.gid, group })
}

/** Where it is to be. */
function lookAtNest({ socket: path, runDir }: Config): Finding {
  const directory = dirname(path)
  if (directory === runDir && !existsSync(directory)) return ok('socket', `${path} is not there yet; its directory is the run-dir`)
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
    return ok('socket', `${path} is not there yet; ${directory} is writable`)
  } catch (thrown) {
    return failed('socket', `${path} cannot be made: ${wordsOf(thrown)}`, `Make ${directory} (hotplugd makes its --run-dir only), or choose another --socket.`)
  }
}

/** Members of the group can use it only if they can enter every directory above it. */
function lookAtWay(path: string, { seen, gid, group }: { readonly seen: string; readonly gid: number; readonly group: string }): Finding {
  if (gid !== safely(() => numberOf(group))) return warning('socket', `${seen}: not that of ${group}`, 'Restart hotplugd: it gives the socket to its group when it starts.')
  const shut = above(path).find((directory) => (statSync(directory).mode & 0o001) === 0 && statSync(directory).gid !== gid)
  if (shut === undefined) return ok('socket', seen)
  return warning('socket', `${seen}; members of ${group} cannot enter ${shut}`, `chmod o+x ${shut}, or choose another --socket.`)
}

function above(path: string): readonly string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...above(parent), parent]
}

function safely<T>(act: () => T): T | null {
  try {
    return act()
  } catch {
    return null
  }
}
