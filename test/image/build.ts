import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { cp, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { cached, fileStamp, isCached } from '../support/cache.ts'
import { labCache, PROJECT } from '../support/paths.ts'

/** What the Containerfile copies; .containerignore lets nothing else through. */
const INPUTS = ['Containerfile', '.containerignore', '.npmrc', 'package.json', 'package-lock.json', 'tsconfig.json', 'native/binding.gyp', 'native/**/*.{cc,h}', 'src/**/*.{ts,json,html,css}']
const UNUSED_MS = 3600_000
const OWN_AUTHORITIES = '/usr/local/share/ca-certificates'

/** The name under which the archive holds the image. */
export const IMAGE = 'localhost/hotplugd:test'

/** Hears what is going on; builds take minutes. */
export type Say = (line: string) => void

/** A docker archive of the image that the project's Containerfile makes; built once for these files, and kept for later runs. */
export const hotplugdImage = async (say: Say = () => undefined): Promise<string> => {
  const base = await baseImage(say)
  const ingredients = [base, await hashOfInputs()]
  if (await isCached('agent-image', ingredients)) return join(await cached('agent-image', ingredients, () => Promise.resolve()), 'image.tar')
  await using _lock = await alone()
  await removeUnused()
  const directory = await cached('agent-image', ingredients, async (into) => {
    say('building the image (minutes, once for these sources)')
    await script(say, ['build', into, base, IMAGE])
  })
  return join(directory, 'image.tar')
}

/** Debian as the Containerfile names it, from packages, since there is no registry of images; with the machine's own certificate authorities. */
const baseImage = async (say: Say): Promise<string> => {
  const authorities = globSync(join(OWN_AUTHORITIES, '*.crt')).sort()
  const stamps = await Promise.all(authorities.map(fileStamp))
  const directory = await cached('agent-image-base', ['bookworm', ...stamps], async (into) => {
    say('making the base of the image from Debian packages')
    await mkdir(join(into, 'authorities'))
    for (const file of authorities) await cp(file, join(into, 'authorities', file.slice(OWN_AUTHORITIES.length + 1)))
    await script(say, ['base', into])
  })
  return directory
}

const hashOfInputs = async (): Promise<string> => {
  const hash = createHash('sha256')
  const files = globSync(INPUTS, { cwd: PROJECT }).filter((file) => !file.startsWith('native/build/')).sort()
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(PROJECT, file)))
  return hash.digest('hex')
}

/** Each change of a source makes another image of 400 MB. */
const removeUnused = async (): Promise<void> => {
  for (const path of globSync(join(labCache(), 'agent-image-[0-9a-f]*'))) {
    const { mtimeMs } = await stat(path)
    if (!path.includes('image-base') && Date.now() - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true })
  }
}

const script = async (say: Say, args: readonly string[]): Promise<void> => {
  const child = spawn('bash', [join(PROJECT, 'test/image/build.sh'), ...args], { cwd: PROJECT, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  if (exitCode === 0) return
  say(said)
  throw new Error(`test/image/build.sh ${args.join(' ')} ended with ${exitCode}: ${said}`)
}

/** Of several test files that want the image one builds it; the others wait. */
const alone = async (): Promise<AsyncDisposable> => {
  const child = spawn('flock', [join(labCache(), '.image.lock'), 'sh', '-c', 'echo; cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await once(child, 'close')
    },
  }
}
