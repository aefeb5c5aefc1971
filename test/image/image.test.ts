import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../support/command.ts'
import { PROJECT } from '../support/paths.ts'
import { hotplugdImage, IMAGE } from './build.ts'

const BUILD_TIMEOUT_MS = 590_000
t.setTimeout(BUILD_TIMEOUT_MS)

const directory = await mkdtemp(join(tmpdir(), 'hotplugd-image-test-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))
const root = join(directory, 'root')
await mkdir(root)

interface Manifest {
  readonly Config: string
  readonly RepoTags: readonly string[]
  readonly Layers: readonly string[]
}

interface ImageConfig {
  readonly architecture: string
  readonly config: { readonly Entrypoint: readonly string[]; readonly User: string; readonly Labels: Readonly<Record<string, string>>; readonly Cmd?: readonly string[] }
}

const archive = await hotplugdImage((line) => t.comment(line))
const member = async <T>(name: string): Promise<T> => JSON.parse(await run('tar', ['-xOf', archive, name])) as T
const [manifest] = await member<[Manifest]>('manifest.json')
const { config } = await member<ImageConfig>(manifest.Config)
for (const layer of manifest.Layers) await run('sh', ['-c', 'tar -xOf "$1" "$2" | tar -xC "$3"', 'sh', archive, layer, root])

/** As in the pod: a read-only root file system, without the environment of this machine. */
const INSIDE = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc" && root=$1 && shift && exec env -i PATH=/usr/local/bin:/usr/bin:/bin /usr/sbin/chroot "$root" "$@"'
const inside = (...command: readonly string[]): Promise<string> => run('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', INSIDE, 'sh', root, ...command])
const hotplugd = (...args: readonly string[]): Promise<string> => inside(...config.Entrypoint, ...args)

const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string }

t.test('what the image says of itself', async (t) => {
  t.same(manifest.RepoTags, [IMAGE])
  t.equal(config.User, '0:0')
  t.equal(config.Labels['org.opencontainers.image.title'], 'hotplugd')
  t.same(config.Cmd ?? [], [])
})

t.test('the daemon runs in it', async (t) => {
  t.equal(await hotplugd('--version'), `hotplugd ${version}\n`)
  t.match(await hotplugd('--help'), /--kubelet-dir/)
  t.equal(await hotplugd('--validate-config', '--mode=kubernetes', '--node-name=n1'), 'the configuration is valid\n')
})

t.test('so does hotplugctl, by its name', async (t) => {
  t.equal(await inside('hotplugctl', '--version'), `hotplugctl ${version}\n`)
  await t.rejects(inside('hotplugctl', 'get', 'vmis'), /cannot be reached|hotplugd is not running|\/run\/hotplugd\/hotplugd.sock/)
})

t.test('the page is in it', async (t) => {
  for (const file of ['index.html', 'page.css', 'browser/main.js']) t.match(await inside('ls', `/opt/hotplugd/out/src/page/${file}`), file)
})

t.test('its Node is that of package.json, and both native addons load', async (t) => {
  t.match(await inside('/opt/hotplugd/bin/node', '--version'), /^v24\./)
  for (const name of ['hotplugd_libvirt', 'hotplugd_linux']) {
    const load = `Object.keys(require('/opt/hotplugd/native/build/Release/${name}.node')).length`
    t.ok(Number(await inside('/opt/hotplugd/bin/node', '-p', load)) > 0, name)
  }
})

t.test('code is compiled beforehand, and that is used where nothing can be written', async (t) => {
  const look = "require('node:module').enableCompileCache('/opt/hotplugd/out/.compile-cache').status === require('node:module').constants.compileCacheStatus.ENABLED"
  t.equal((await inside('/opt/hotplugd/bin/node', '-p', look)).trim(), 'true')
  t.ok(Number(await inside('sh', '-c', 'find /opt/hotplugd/out/.compile-cache -type f | wc -l')) > 100)
  await t.rejects(inside('touch', '/opt/hotplugd/x'), /Read-only/)
})

t.test('nothing to compile or to fetch with, and nothing for development only', async (t) => {
  for (const name of ['gcc', 'cc', 'g++', 'c++', 'cc1', 'ld', 'as', 'make', 'npm', 'npx', 'python3', 'node-gyp']) {
    t.equal(await inside('sh', '-c', `command -v ${name} || true`), '', name)
  }
  t.equal(await inside('find', '/usr', '-name', 'cc1*'), '')
  const packages = (await inside('ls', '-A', '/opt/hotplugd/node_modules')).trim().split('\n')
  for (const name of ['@kubernetes', 'fastify', 'pino', 'prom-client', 'yaml']) t.ok(packages.includes(name), name)
  for (const name of ['typescript', 'tap', 'node', 'node-gyp', 'oxlint', '.bin']) t.notOk(packages.includes(name), name)
  t.equal(await inside('find', '/opt/hotplugd', '-name', '*.ts', '-o', '-name', '*.map', '-o', '-path', '*/out/test'), '')
})

t.test('nobody but root may change a program of it', async (t) => {
  t.equal(await inside('find', '/opt/hotplugd', '-not', '-type', 'l', '(', '-perm', '/022', '-o', '-not', '-user', 'root', ')'), '')
})
