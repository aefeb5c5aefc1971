import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { openLauncherLibvirt } from '../../../../src/adapters/linux/pods/launcher-libvirt.ts'
import { HotplugError } from '../../../../src/errors.ts'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { until } from '../../../support/wait.ts'
import { compile, kill, start } from '../fixture.ts'
import { scratch } from '../scratch.ts'
import { CGROUP_VERSIONS, makeNode, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

/** How often something else is put in place while it is looked at. A long run takes a million. */
const SWAPS = Number(process.env['SWAPS'] ?? 5_000)
const CGROUPS = CGROUP_VERSIONS[0] ?? 'v2'
const IMAGE = Buffer.alloc(MIB, 'image ')

tap.setTimeout(0)

/** Something outside that nobody may touch. */
class Canary {
  readonly directory: string
  readonly #before: string

  constructor(directory: string, before: string) {
    this.directory = directory
    this.#before = before
  }

  get file(): string {
    return join(this.directory, 'secret')
  }

  async prove(t: Test): Promise<void> {
    t.equal(await stateOf(this.directory), this.#before, 'nothing outside was touched')
  }
}

async function startCanary(t: Test): Promise<Canary> {
  const directory = await scratch(t)
  await chmod(directory, 0o755)
  await writeFile(join(directory, 'secret'), 'secret '.repeat(1000), { mode: 0o600 })
  return new Canary(directory, await stateOf(directory))
}

async function stateOf(directory: string): Promise<string> {
  const names = (await readdir(directory)).toSorted((a, b) => a.localeCompare(b))
  const states = await Promise.all(names.map(async (name) => {
    const { uid, gid, mode, ctimeMs, size } = await stat(join(directory, name))
    return [name, uid, gid, mode, ctimeMs, size]
  }))
  return JSON.stringify(states)
}

const IN_ORDER = ['UnsafePath', 'SourceChanged', 'SourceMissing', 'ImageMissing', 'SourceEmpty', 'LibvirtUnavailable']

class Tally {
  readonly #seen = new Map<string, number>()

  async note<T>(doing: string, act: Promise<T>, describe: (value: T) => string): Promise<void> {
    const what = `${doing}: ${await act.then(describe, reasonOf)}`
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1)
  }

  prove(t: Test): void {
    t.comment(Object.fromEntries(this.#seen))
    t.same([...this.#seen.keys()].filter((what) => !what.endsWith(': well') && !IN_ORDER.includes(what.split(': ')[1] ?? '')), [])
  }

  count(what: string): number {
    return this.#seen.get(what) ?? 0
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof HotplugError) return error.reason
  throw error
}

/** fixtures/pod-tenant.c at work. */
interface Tenant {
  /** How often it has put something in place. */
  readonly swaps: () => number
  readonly stop: () => Promise<void>
}

/** Runs it in the launcher's mount namespace. */
async function startInside(t: Test, lab: PodLab, user: number, ...args: readonly string[]): Promise<Tenant> {
  const name = `tenant-${randomUUID()}`
  await copyFile(await compile(t, 'pod-tenant'), join(lab.programs, name))
  return startTenant(t, 'nsenter', `--target=${lab.launcher.pid}`, '--mount', `--setuid=${user}`, `--setgid=${user}`, `/programs/${name}`, ...args)
}

async function startTenant(t: Test, program: string, ...args: readonly string[]): Promise<Tenant> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let dots = 0
  child.stdout.on('data', (chunk: Buffer) => (dots += chunk.toString().split('.').length - 1))
  t.teardown(() => kill(child))
  await once(child.stdout, 'data')
  return { swaps: () => dots * 100, stop: () => kill(child) }
}

void tap.test(`a disk.img that is swapped all the time (${SWAPS} swaps)`, async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const canary = await startCanary(t)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.writeOn(join(at, 'real'), IMAGE)
  await lab.attachFilesystem('f1', at)
  const on = lab.node.root + at
  const { ino } = await stat(join(on, 'real'))
  const tenant = await startTenant(t, await compile(t, 'pod-tenant'), on, 'disk.img', canary.file, 'real')
  const tally = new Tally()
  const isReal = (identity: { readonly kind: string; readonly inode?: string } | null): string => (identity?.kind === 'file' && (identity.inode === String(ino) || identity.inode !== '')) ? 'well' : `ESCAPED ${JSON.stringify(identity)}`
  while (tenant.swaps() < SWAPS) {
    const source = await lab.sources.resolve(lab.claim('f1')).catch((error: unknown) => error)
    await tally.note('resolve', source instanceof Error ? Promise.reject(source) : Promise.resolve(source as { identity: { kind: string } }), ({ identity }) => isReal(identity))
    if (source instanceof Error) continue
    const exposure = lab.plan(source as Parameters<PodLab['plan']>[0])
    await tally.note('expose', lab.exposures.expose(VM, exposure, source as Parameters<PodLab['plan']>[0]), () => 'well')
    const seen = await lab.sources.identify(exposure)
    if (seen !== null) await tally.note('identify', Promise.resolve(JSON.stringify(seen) === JSON.stringify((source as Parameters<PodLab['plan']>[0]).identity) ? 'well' : 'ANOTHER'), String)
    await tally.note('release', lab.exposures.release(VM, exposure), () => 'well')
  }
  await tenant.stop()
  tally.prove(t)
  await canary.prove(t)
  t.ok(tally.count('resolve: UnsafePath') > 0 && tally.count('resolve: well') > 0, 'the swaps were seen')
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
})

void tap.test(`entries of the launcher's directory that are swapped from inside (${SWAPS} swaps)`, async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const canary = await startCanary(t)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock('b1', device.path)
  const sources = [await lab.sources.resolve(lab.claim('f1')), await lab.sources.resolve(lab.claim('b1'))]
  const inside = '/run/kubevirt/hotplug-disks'
  const tenants = [await startInside(t, lab, 107, inside, 'f1.img', canary.file), await startInside(t, lab, 107, inside, 'b1', '/etc/passwd')]
  const tally = new Tally()
  while (tenants.some((tenant) => tenant.swaps() < SWAPS)) {
    for (const source of sources) {
      const exposure = lab.plan(source)
      await tally.note('expose', lab.exposures.expose(VM, exposure, source), () => 'well')
      await tally.note('identify', lab.sources.identify(exposure), () => 'well')
      await tally.note('release', lab.exposures.release(VM, exposure), () => 'well')
    }
  }
  for (const tenant of tenants) await tenant.stop()
  tally.prove(t)
  await canary.prove(t)
  t.ok(tally.count('expose: UnsafePath') > 0 && tally.count('expose: well') > 0, 'the swaps were seen')
  for (const source of sources) await lab.exposures.release(VM, lab.plan(source))
  t.notMatch(await readFile(`/proc/${lab.launcher.pid}/mountinfo`, 'utf8'), 'hotplug-disks/f1.img')
})

void tap.test(`directories of the attachment pod that are swapped (${SWAPS} swaps)`, async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const [device, foreign] = [await makeBlockDevice(MIB, t), await makeBlockDevice(MIB, t)]
  const { pod, claim } = await lab.attachBlock('b1', device.path)
  const outside = await scratch(t)
  await makeNode(join(outside, claim), foreign.path)
  const below = (name: string): string => join(pod.emptyDir('hotplug-disks'), name)
  await symlink(outside, below('link'))
  await mkdir(below('foreign'))
  await makeNode(join(below('foreign'), claim), foreign.path)
  await writeFile(below('file'), '')
  const swapper = await start(t, await compile(t, 'swapper'), below('b1'), below('link'), below('foreign'), below('file'))
  const source = await until('the device', () => lab.sources.resolve(lab.claim('b1')).catch(() => null))
  const tally = new Tally()
  // The swapper is some hundred times as fast as a look.
  for (let look = 0; look < SWAPS / 10; look++) {
    await tally.note('resolve', lab.sources.resolve(lab.claim('b1')), ({ identity }) => (JSON.stringify(identity) === JSON.stringify(source.identity) ? 'well' : `ESCAPED ${JSON.stringify(identity)}`))
  }
  await kill(swapper)
  tally.prove(t)
  t.ok(tally.count('resolve: UnsafePath') > 0, 'the swaps were seen')
})

void tap.test(`a libvirt socket that is swapped (${SWAPS} swaps)`, async (t) => {
  const lab = await startPodLab(t, CGROUPS, { runAs: 0 })
  const outside = await scratch(t)
  const server = createServer((socket) => socket.destroy()).listen(join(outside, 'sock'))
  t.teardown(() => server.close())
  await once(server, 'listening')
  await lab.launcher.exec('mkdir', '-p', '/run/libvirt')
  await lab.act('pod-actor', 'listen', '/run/libvirt/real')
  const tenant = await startInside(t, lab, 0, '/run/libvirt', 'libvirt-sock', join(outside, 'sock'), 'real')
  const tally = new Tally()
  const open = async (): Promise<string> => {
    const libvirt = await openLauncherLibvirt(lab.launcher.uid, { cgroupRoot: lab.node.cgroupRoot })
    libvirt.close()
    return libvirt.pids.includes(lab.launcher.pid) ? 'well' : 'ESCAPED'
  }
  while (tenant.swaps() < SWAPS) await tally.note('open', open(), String)
  await tenant.stop()
  tally.prove(t)
  t.ok(tally.count('open: LibvirtUnavailable') > 0 && tally.count('open: well') > 0, 'the swaps were seen')
})

void tap.test('pods of other names', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock('b1', device.path)
  const [pod] = lab.attachments.get('b1') ?? []
  if (pod === undefined) throw new Error('no pod')
  for (const uid of ['..', `../${randomUUID()}`, '', '/']) {
    lab.attachments.set('b1', [{ ...pod, uid }])
    t.equal(await lab.sources.resolve(lab.claim('b1')).catch(reasonOf), 'UnsafePath', JSON.stringify(uid))
    lab.attachments.set('b1', [{ ...pod, claimUid: uid }])
    t.equal(await lab.sources.resolve(lab.claim('b1')).catch(reasonOf), 'UnsafePath', JSON.stringify(uid))
  }
  t.equal(await lab.sources.resolve({ ...lab.claim('b1'), volume: '../b1' }).catch(reasonOf), 'InvalidName')
  await writeFile(join(lab.node.kubeletDir, 'pods', pod.uid, 'volumes/kubernetes.io~empty-dir/hotplug-disks/disk.img'), IMAGE)
  for (const volume of ['path', 'proc', 'dev']) {
    lab.attachments.set(volume, [{ ...pod, volumeMode: 'Filesystem' }])
    t.equal(await lab.sources.resolve(lab.claim(volume)).catch(reasonOf), 'SourceMissing', volume)
  }
})
