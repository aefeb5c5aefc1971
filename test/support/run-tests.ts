/**
 * Runs every compiled test, or with arguments those whose path contains one of them, and ends with one line
 * `N passed, N failed`. A skipped test is a failure where CI is set. So is everything that the tests leave behind.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootFiles } from './guest/initramfs.ts'
import { savedGuest } from './guest/saved-image.ts'
import { PROJECT } from './paths.ts'
import { leftOut } from './run/left-out.ts'
import { findLeftovers, MARK, type Leftover } from './run/leftovers.ts'
import { Report, type Tally } from './run/report.ts'

const FILE_TIMEOUT_S = 600
const GONE_WITHIN_MS = 15_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const runTap = async (files: readonly string[], environment: Readonly<Record<string, string>>): Promise<Tally> => {
  const report = new Report(say)
  const options = ['--disable-coverage', '--reporter=jsonstream', `--jobs=${availableParallelism()}`, `--timeout=${FILE_TIMEOUT_S}`]
  const tap = spawn(join(PROJECT, 'node_modules/.bin/tap'), ['run', ...options, ...files], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  createInterface(tap.stdout).on('line', (line) => report.hear(line))
  const [exitCode] = (await once(tap, 'close')) as [number | null]
  const tally = report.end()
  if (exitCode !== 0 && tally.failed.length === 0) tally.failed.push(`tap ended with ${exitCode}`)
  return tally
}

/** What goes by itself gets a moment to do so; the rest is named, and taken away. */
const clearAway = async (mark: string, directory: string): Promise<string[]> => {
  const end = Date.now() + GONE_WITHIN_MS
  let left: Leftover[]
  while ((left = await findLeftovers(mark, directory)).length > 0 && Date.now() < end) await sleep(100)
  const files = left.some((one) => one.what.startsWith('mount')) ? [] : await readdir(directory)
  for (const one of left) await one.remove().catch(() => undefined)
  await rm(directory, { recursive: true, force: true })
  return [...left.map((one) => one.what), ...files.map((name) => `file ${join(directory, name)}`)]
}

const main = async (wanted: readonly string[]): Promise<number> => {
  const all = globSync('out/test/**/*.test.js', { cwd: PROJECT }).sort()
  const chosen = wanted.length === 0 ? all : all.filter((file) => wanted.some((part) => file.includes(part)))
  const without = leftOut(PROJECT, chosen)
  const files = chosen.filter((file) => !without.includes(file))
  await savedGuest(await bootFiles(), {}) // booted once here, so that no test pays for it
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-test-'))
  await chmod(directory, 0o755) // some tests are other users too
  const mark = directory
  const tally = files.length === 0 ? { passed: 0, failed: [], skipped: [] } : await runTap(files, { [MARK]: mark, TMPDIR: directory, NODE_COMPILE_CACHE: join(PROJECT, 'out/.compile-cache') })
  tally.skipped.push(...without.map((file) => `${file}: LEFT OUT, Kubernetes could not be had on this machine`))
  const left = await clearAway(mark, directory)
  return conclude(tally, left)
}

const conclude = ({ passed, failed, skipped }: Tally, left: readonly string[]): number => {
  const strict = Boolean(process.env['CI'])
  const failures = [
    ...failed,
    ...(strict ? skipped.map((name) => `skipped: ${name}`) : []),
    ...left.map((what) => `left behind: ${what}`),
    ...(passed + failed.length === 0 ? ['no test was run'] : []),
  ]
  if (!strict) for (const name of skipped) say(`skipped: ${name}`)
  for (const name of failures) say(`failed: ${name}`)
  say(`${passed} passed, ${failures.length} failed`)
  return failures.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
