import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { startPausedDomain, until } from '../support/lab.ts'
import { deleteManifest, manifestPath, manifestText, writeManifest } from './manifest.ts'
import { ctl, makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

/** Longer than a deleted file is given to come back, so that what stays has really stayed. */
const STAYED_MS = 1_500

const scene = await startScene(t)
const { host, guest } = scene
let { daemon } = scene
const directory = await makeDirectory(t)
const image = (name: string, sizeBytes = MIB): Promise<string> => makeFile(join(directory, name), sizeBytes)
const [first, second] = [await image('first'), await image('second', 2 * MIB)]

const problemOf = async (vm: string): Promise<string> => {
  const { body } = await daemon.call('GET', `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${vm}`)
  const { status } = body as { status?: { conditions?: readonly { type: string; message: string }[] } }
  return status?.conditions?.find(({ type }) => type === 'Synchronized')?.message ?? ''
}

const restarted = () => startDaemon(t, { libvirt: host.uri, directories: daemon.directories })

t.test('a file plugs', async (t) => {
  const file = await writeManifest(daemon, 'vm1', { data: { path: first, serial: 'Kept-1' }, more: second })
  await guest.waitForDisks(['Kept-1', 'more'])
  t.match(await daemon.ready('vm1', 'data'), { origin: file, serial: 'Kept-1' })
})

t.test('only its editor takes a volume out again', async (t) => {
  const file = manifestPath(daemon, 'vm1.yaml')
  t.match(await daemon.remove('vm1', 'data'), { status: 409, body: { message: `volume data comes from manifest ${file}: edit that file to remove it` } })
  t.match(await daemon.ctl('removevolume', 'vm1', '--volume-name=data'), { exitCode: 1, stderr: `(OwnedByManifest)\n  remedy: Edit or delete the manifest that is named.` })
  t.equal((await daemon.add('vm1', 'data', await image('third'))).status, 409)
})

t.test('another source, then another serial: out and in again', async (t) => {
  await writeManifest(daemon, 'vm1', { data: { path: await image('bigger', 3 * MIB), serial: 'Kept-1' } })
  t.equal((await guest.waitForDisk('Kept-1', 3 * MIB)).sizeBytes, 3 * MIB)
  await guest.waitForDisks(['Kept-1'])
  await writeManifest(daemon, 'vm1', { data: { path: join(directory, 'bigger'), serial: 'New-2' } })
  await guest.waitForDisks(['New-2'])
  t.match(await daemon.ready('vm1', 'data'), { serial: 'New-2' })
})

t.test('an invalid file: file, line and key are said; its volumes stay, the others go on', async (t) => {
  await startPausedDomain(host, { name: 'vm2' })
  const path = manifestPath(daemon, 'vm1.yaml')
  await writeFile(path, manifestText('vm1', { data: first }).replace('path:', 'pahth:'))
  await until('the fault to be said', async () => (await problemOf('vm1')) !== '')
  t.match(await problemOf('vm1'), `${path}:6:28: spec.volumes[0].local.pahth: unknown key; allowed: path, format`)
  await writeManifest(daemon, 'vm2', { data: second })
  await daemon.ready('vm2', 'data')
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready', serial: 'New-2' })
  t.match(await ctl(daemon, 'get', 'vmis', 'vm1'), /vm1 +Running +1 +1\/1 +ManifestInvalid/)
})

t.test('a file that says nothing of any VM is told to whoever looks', async (t) => {
  const path = manifestPath(daemon, 'broken.yaml')
  await writeFile(path, 'kind: [VirtualMachineInstance\n')
  const { stderr } = await until('a warning', async () => {
    const said = await daemon.ctl('get', 'vmis')
    return said.stderr === '' ? null : said
  })
  t.match(stderr, `warning: ${path}:2:1: `)
  t.match((await daemon.call('GET', '/readyz?verbose')).text, `[!]desired-state: ${path}:2:1: `)
  t.match(await daemon.log(), new RegExp(`"level":"warn".*${path}.*desired state cannot be used whole`))
  await rm(path)
  await until('no warning', async () => (await daemon.ctl('get', 'vmis')).stderr === '')
})

t.test('corrected, it counts again', async (t) => {
  await writeManifest(daemon, 'vm1', { data: { path: first, serial: 'Right' } })
  await guest.waitForDisks(['Right'])
  await until('nothing more to be said', async () => (await problemOf('vm1')) === '')
  await deleteManifest(daemon, 'vm2.yaml')
  await daemon.gone('vm2', 'data')
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready' })
})

t.test('two files for one VM: an error that names both, nothing changes', async (t) => {
  const [one, two] = [manifestPath(daemon, 'vm1.yaml'), await writeManifest(daemon, 'vm1', { other: second }, 'zz.yaml')]
  await until('the conflict to be said', async () => (await problemOf('vm1')) !== '')
  t.match(await problemOf('vm1'), `${one} and ${two} are both for the VM default/vm1`)
  await sleep(STAYED_MS)
  t.match(await daemon.volumes('vm1'), [{ name: 'data', phase: 'Ready' }])
  t.equal((await daemon.volumes('vm1')).length, 1)
  await deleteManifest(daemon, 'zz.yaml')
  await until('the conflict to be over', async () => (await problemOf('vm1')) === '')
  t.match(await daemon.volumes('vm1'), [{ name: 'data', phase: 'Ready' }])
})

t.test('a VM that does not exist yet is a condition; plugged when it is there', async (t) => {
  await writeManifest(daemon, 'later', { data: second })
  t.match(await daemon.reason('later', 'data', 'VmNotFound'), { phase: 'Pending', message: /^libvirt has no domain of that name\./ })
  t.match(await ctl(daemon, 'get', 'vmis', 'later'), /later +NotFound +1 +0\/1/)
  await startPausedDomain(host, { name: 'later' })
  await daemon.ready('later', 'data')
})

t.test('a name that a request has already is told, and the request holds', async (t) => {
  await startPausedDomain(host, { name: 'both' })
  await plug(daemon, 'both', 'data', await image('asked'))
  await writeManifest(daemon, 'both', { data: await image('written') })
  await until('the conflict to be said', async () => /wanted by a request and by manifest/.test(await problemOf('both')))
  t.match(await daemon.volume('both', 'data'), { phase: 'Ready', source: join(directory, 'asked') })
  await deleteManifest(daemon, 'both.yaml')
  await until('the conflict to be over', async () => (await problemOf('both')) === '')
  await unplug(daemon, 'both', 'data')
})

t.test('a directory that is gone, or another one, removes nothing', async (t) => {
  const { manifests } = daemon.directories
  await rename(manifests, `${manifests}.aside`)
  await until('the loss to be said', async () => (await daemon.ctl('get', 'vmis')).stderr.includes(`${manifests}: ENOENT; its volumes stay as they were`))
  await mkdir(manifests)
  await until('each file to be missed', async () => /is missing, but .* is another directory/.test(await problemOf('vm1')))
  await sleep(STAYED_MS)
  for (const vm of ['vm1', 'later']) t.match(await daemon.volumes(vm), [{ name: 'data', phase: 'Ready' }], vm)
  await rm(manifests, { recursive: true })
  await rename(`${manifests}.aside`, manifests)
  await until('all to be well', async () => (await problemOf('vm1')) === '')
})

t.test('deleted while the agent is down', async (t) => {
  await daemon.stop()
  await deleteManifest(daemon, 'later.yaml')
  daemon = await restarted()
  await daemon.gone('later', 'data')
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready' })
  t.match((await guest.disks()).map(({ serial }) => serial), ['Right'])
})

t.test('the directory lost while the agent is down', async (t) => {
  const { manifests } = daemon.directories
  await daemon.stop()
  await rename(manifests, `${manifests}.aside`)
  await mkdir(manifests)
  daemon = await restarted()
  await sleep(STAYED_MS)
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready' })
  await rm(manifests, { recursive: true })
  await rename(`${manifests}.aside`, manifests)
})

t.test('the last file deleted: its volumes go', async (t) => {
  await deleteManifest(daemon, 'vm1.yaml')
  await guest.waitForDisks([])
  await daemon.gone('vm1', 'data')
  t.equal(await guest.ioErrors(), 0)
})
