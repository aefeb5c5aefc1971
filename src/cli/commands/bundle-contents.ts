import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { release, type as system, uptime } from 'node:os'
import { promisify } from 'node:util'
import { blotOut, blotOutLines, blotOutOf } from '../../core/blot-out.ts'
import type { VmiListObject } from '../../http/objects/vmi-object.ts'
import { VERSION } from '../../version.ts'
import { doctorText, examination, hotplugdFlags } from './doctor.ts'
import { vmisPath, volumePath } from '../paths.ts'
import type { Session } from '../session.ts'
import type { PackedFile } from './tar.ts'

/** What could not be had, and why. */
interface Missing {
  readonly path: string
  readonly why: string
}

export interface Contents {
  readonly files: readonly PackedFile[]
  readonly missing: readonly Missing[]
}

type Part = readonly [path: string, make: (session: Session) => Promise<string>]

/** The name of each file, and what it is made from. */
const PARTS: readonly Part[] = [
  ['doctor.txt', async (session) => blotOut(doctorText((await examination(session, hotplugdFlags(session))).findings).join('\n'))],
  ['process.json', async ({ client }) => json(await client.get('/debug/process'))],
  ['config.json', async ({ client }) => json(await client.get('/debug/config'))],
  ['state.json', async ({ client }) => json(await client.get('/debug/state'))],
  ['vmis.json', async ({ client }) => json(await client.get(vmisPath(null)))],
  ['explanations.json', async (session) => json(await explanations(session))],
  ['readyz.txt', async ({ client }) => blotOut(await client.text('/readyz?verbose'))],
  ['metrics.txt', async ({ client }) => blotOut(await client.text('/metrics'))],
  ['log.jsonl', async (session) => blotOutLines(await recentLog(session))],
]

/** Everything for a bug report, as far as it can be had, without secrets. */
export async function gather(session: Session, now: Date): Promise<Contents> {
  const made = await Promise.all(PARTS.map(async ([path, make]) => attempt(path, () => make(session))))
  const missing = made.flatMap((part) => ('why' in part ? [part] : []))
  const files = made.flatMap((part) => ('text' in part ? [part] : []))
  const about = { createdAt: now.toISOString(), hotplugctl: VERSION, node: process.version, system: `${system()} ${release()} ${process.arch}`, os: await osName(), uptimeS: Math.round(uptime()), missing }
  return { files: [{ path: 'bundle.json', text: json(about) }, ...files], missing }
}

async function attempt(path: string, make: () => Promise<string>): Promise<PackedFile | Missing> {
  try {
    return { path, text: `${(await make()).trimEnd()}\n` }
  } catch (thrown) {
    return { path, why: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

function json(value: unknown): string {
  return JSON.stringify(blotOutOf(value), null, 2)
}

/** Of every hot-plugged volume, be it well or not. */
async function explanations({ client }: Session): Promise<readonly unknown[]> {
  const { items } = await client.get<VmiListObject>(vmisPath(null))
  const volumes = items.flatMap(({ metadata, status }) => status.volumeStatus.filter(({ hotplugVolume }) => hotplugVolume !== undefined).map(({ name }) => ({ ...metadata, volume: name })))
  // One after the other: there may be thousands. A volume that is gone by now has nothing to be explained.
  const told: unknown[] = []
  for (const { namespace, name, volume } of volumes) told.push(await client.get(`${volumePath(namespace, name, volume)}/explain`).catch((error: Error) => ({ namespace, name, volume, why: error.message })))
  return told
}

/** What the daemon keeps; else what systemd kept of it. */
async function recentLog({ client }: Session): Promise<string> {
  return client.text('/debug/log').catch(async (unreachable: unknown) => {
    const { stdout } = await promisify(execFile)('journalctl', ['--unit=hotplugd', '--lines=1000', '--no-pager', '--output=cat', '--quiet'], { maxBuffer: 1 << 26, timeout: 20_000 }).catch(() => ({ stdout: '' }))
    if (stdout === '') throw unreachable
    return stdout
  })
}

async function osName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? 'unknown'
}
