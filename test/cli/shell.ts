import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hopeless, type Teardown, until } from '../support/lab.ts'
import { PROGRAM } from './terminal.ts'

const PROMPT = 'ready> '
const CLEAR_LINE = '\u0015'
const [TO_START, TO_END] = ['\u0001', '\u0005']

/** An interactive shell at a terminal of its own, with `hotplugctl` in its path. */
export class Shell {
  readonly #child: ChildProcess
  #seen = ''

  constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (this.#seen += chunk))
  }

  /** Waits until the terminal shows that, from now on or since the last such wait. */
  async shows(what: RegExp): Promise<RegExpExecArray> {
    const match = await until(`${what} at the terminal`, () => this.#look(what))
    this.#seen = this.#seen.slice(match.index + match[0].length)
    return match
  }

  /** Throws what the terminal shows instead. */
  #look(what: RegExp): RegExpExecArray {
    const match = what.exec(this.#seen)
    if (match !== null) return match
    if (this.#child.exitCode !== null) throw new Hopeless(`the shell ended: ${this.#seen}`)
    throw new Error(`the terminal shows ${JSON.stringify(this.#seen)}`)
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  /** The tabs in a line make that of it. Tried again where they do not: a machine that is slow has no names in time. */
  async completes(line: string, expected: string): Promise<void> {
    await until(`${JSON.stringify(line)} to become ${expected}`, async () => {
      const found = await this.#completed(line)
      if (found !== expected) throw new Error(`it becomes ${found}`)
      return true
    })
  }

  /** What has become of a line after the tabs in it, as the shell itself would have run it. */
  async #completed(line: string): Promise<string> {
    // Typed at once: a shell completes before it reads on. What is typed does not hold the mark, so only the answer can.
    this.type(`${CLEAR_LINE}${line}${TO_START}printf 'G''OT<%s>' ${TO_END}; echo E''ND\n`)
    const [, first = ''] = await this.shows(/GOT<hotplugctl>((?:GOT<[^>]*>)*)END/)
    return [...first.matchAll(/GOT<([^>]*)>/g)].map(([, word]) => word).join(' ')
  }

  /** Types a line that has several ends, and waits for all of them to be shown. */
  async lists(line: string, offers: readonly string[]): Promise<void> {
    const all = new RegExp(offers.map((offer) => `(?=[^]*\\b${offer}\\b)`).join(''))
    this.type(`${CLEAR_LINE}${line}`)
    await until(`${all} at the terminal`, () => {
      this.type('\t') // one shell lists at the first, another at the second
      return this.#look(all)
    }, 500)
    this.type(CLEAR_LINE)
  }
}

/** A directory with a `hotplugctl`, and the environment of whoever has it in the path. */
export async function home(t: Teardown, socket: string): Promise<{ readonly directory: string; readonly env: Record<string, string> }> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-shell-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const program = join(directory, 'hotplugctl')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
  await chmod(program, 0o755)
  const env = { HOME: directory, PATH: `${directory}:${process.env['PATH'] ?? ''}`, HOTPLUGD_SOCKET: socket, TERM: 'dumb', LC_ALL: 'C.UTF-8', INPUTRC: '/dev/null' }
  return { directory, env }
}

/** Starts a shell, and has it run `setUp` first. */
export async function startShell(t: Teardown, command: string, where: { readonly directory: string; readonly env: Record<string, string>; readonly setUp: string }): Promise<Shell> {
  // script(1) has the terminal; the shell ends when its input does.
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], { cwd: where.directory, env: { ...where.env, PS1: PROMPT, PROMPT } })
  t.teardown(async () => {
    child.stdin.destroy()
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
  })
  const shell = new Shell(child)
  await shell.shows(new RegExp(PROMPT))
  shell.type(`${where.setUp}; echo set''up\n`)
  await shell.shows(/setup\r?\n/)
  return shell
}
