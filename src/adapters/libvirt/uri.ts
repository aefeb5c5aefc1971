import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** `sun_path` without its final zero. */
const LONGEST_SOCKET_PATH = 107

/** Where a libvirt is reached, and where it keeps the pid files of its QEMU processes. */
export interface Place {
  readonly uri: string
  /** Not empty: a socket that libvirt could not connect to by its name, since that is too long; it is not in `uri`. */
  readonly socketPath: string
  readonly runDirs: readonly string[]
}

/** Takes a libvirt URI apart. Anything that libvirt understands is passed on; only a long `?socket=` is taken out. */
export function placeOf(uri: string, env: NodeJS.ProcessEnv = process.env): Place {
  const { base, parameters } = split(uri)
  const socket = parameters.find((parameter) => isSocket(parameter))
  const path = socket === undefined ? '' : decode(socket.slice(socket.indexOf('=') + 1))
  const runDirs = runDirsOf(base, path, env)
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return { uri, socketPath: '', runDirs }
  const others = parameters.filter((parameter) => parameter !== socket)
  return { uri: others.length === 0 ? base : `${base}?${others.join('&')}`, socketPath: path, runDirs }
}

function split(uri: string): { base: string; parameters: string[] } {
  const mark = uri.indexOf('?')
  if (mark < 0) return { base: uri, parameters: [] }
  return { base: uri.slice(0, mark), parameters: uri.slice(mark + 1).split(/[&;]/) }
}

function isSocket(parameter: string): boolean {
  return parameter.toLowerCase().startsWith('socket=')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // not escaped then; libvirt takes it as it is, too
  }
}

/** A libvirt on another machine has none that could be read here. */
function runDirsOf(base: string, socketPath: string, env: NodeJS.ProcessEnv): readonly string[] {
  if (socketPath !== '') return [dirname(socketPath)]
  const local = /^qemu(?:\+unix)?:\/\/\/(system|session)/.exec(base)
  if (local === null) return []
  return local[1] === 'system' ? ['/run/libvirt'] : [join(env['XDG_RUNTIME_DIR'] ?? join(homedir(), '.cache'), 'libvirt')]
}
