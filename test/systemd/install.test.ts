import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CommandError, PROJECT, run, type Teardown } from '../support/lab.ts'

const TIMEOUT_MS = 300_000
const INSTALLER = join(PROJECT, 'systemd/install.sh')
const PATHS = ['etc/hotplugd/config.yaml', 'etc/hotplugd/vms.d', 'opt/hotplugd/current', 'usr/local/lib/systemd/system/hotplugd.service', 'usr/local/lib/sysusers.d/hotplugd.conf', 'usr/local/lib/tmpfiles.d/hotplugd.conf', 'usr/local/bin/hotplugd', 'usr/local/bin/hotplugctl']
const COMMANDS = ['hotplugd', 'hotplugctl']

const install = (installer: string, prefix: string, ...args: readonly string[]): Promise<string> => run('bash', [installer, ...args, '--prefix', prefix], TIMEOUT_MS)

async function scratch(t: Teardown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-install-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const version = async (): Promise<string> => (JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string }).version
const releases = (prefix: string): Promise<string[]> => readdir(join(prefix, 'opt/hotplugd/releases'))

/** A bare environment: no Node of the host, nothing of npm. */
const command = (prefix: string, name: string, ...args: readonly string[]): Promise<string> =>
  run('env', ['-i', 'PATH=/usr/bin:/bin', join(prefix, 'usr/local/bin', name), ...args])

async function runsFrom(t: Test, prefix: string): Promise<void> {
  for (const name of COMMANDS) t.equal(await command(prefix, name, '--version'), `${name} ${await version()}\n`)
  const node = join(prefix, 'opt/hotplugd/current/bin/node')
  t.match(await run(node, ['--version']), /^v24\./)
  t.equal(await command(prefix, 'hotplugd', '--validate-config', '--config', join(prefix, 'etc/hotplugd/config.yaml')), 'the configuration is valid\n')
}

t.test('install, upgrade, remove, purge', async (t) => {
  const prefix = await scratch(t)
  await install(INSTALLER, prefix, 'install')
  for (const path of PATHS) t.ok(existsSync(join(prefix, path)), path)
  await runsFrom(t, prefix)

  const before = await realpath(join(prefix, 'opt/hotplugd/current'))
  const packages = await readdir(join(before, 'node_modules'))
  for (const name of ['fastify', 'pino', 'prom-client', 'yaml']) t.ok(packages.includes(name), name)
  for (const name of ['typescript', 'tap', 'node', 'node-gyp', '.bin']) t.notOk(packages.includes(name), `${name} is for development only`)
  t.notOk(existsSync(join(before, 'out/test')))
  for (const file of ['index.html', 'page.css', 'browser/main.js']) t.ok(existsSync(join(before, 'out/src/page', file)), `the page: ${file}`)
  t.equal(await run('find', [prefix, '-perm', '/022', '-not', '-type', 'l']), '', 'nobody but the owner writes')
  t.equal(await run('find', [join(prefix, 'opt'), '-type', 'l', '-lname', '/*']), '', 'nothing leads out of the prefix')

  await writeFile(join(prefix, 'etc/hotplugd/config.yaml'), 'hotplug: false\n')
  await mkdir(join(prefix, 'var/lib/hotplugd'), { recursive: true })
  await mkdir(join(prefix, 'run/hotplugd'), { recursive: true })
  for (const verb of ['upgrade', 'install']) {
    await install(INSTALLER, prefix, verb)
    t.equal(await readFile(join(prefix, 'etc/hotplugd/config.yaml'), 'utf8'), 'hotplug: false\n', `${verb} keeps the configuration`)
    t.equal((await releases(prefix)).length, 1, 'the release before is gone')
  }
  t.not(await realpath(join(prefix, 'opt/hotplugd/current')), before)
  await runsFrom(t, prefix)

  const installed = join(prefix, 'opt/hotplugd/current/systemd/install.sh')
  await install(installed, prefix, 'remove')
  for (const path of PATHS.slice(2)) t.notOk(existsSync(join(prefix, path)), path)
  for (const path of ['etc/hotplugd/config.yaml', 'var/lib/hotplugd', 'run/hotplugd']) t.ok(existsSync(join(prefix, path)), `${path} is kept`)
  await install(INSTALLER, prefix, 'remove')
  await install(INSTALLER, prefix, 'remove', '--purge')
  for (const path of ['etc/hotplugd', 'var/lib/hotplugd', 'run/hotplugd']) t.notOk(existsSync(join(prefix, path)), path)
})

t.test('a command of somebody else is left alone', async (t) => {
  const prefix = await scratch(t)
  await mkdir(join(prefix, 'usr/local/bin'), { recursive: true })
  await symlink('/somewhere/hotplugctl', join(prefix, 'usr/local/bin/hotplugctl'))
  await writeFile(join(prefix, 'usr/local/bin/hotplugd'), 'mine')
  await install(INSTALLER, prefix, 'remove')
  t.equal(await readlink(join(prefix, 'usr/local/bin/hotplugctl')), '/somewhere/hotplugctl')
  t.equal(await readFile(join(prefix, 'usr/local/bin/hotplugd'), 'utf8'), 'mine')
})

t.test('what cannot run never becomes current', async (t) => {
  const prefix = await scratch(t)
  await t.rejects(install(INSTALLER, prefix, 'upgrade'), /hotplugd is not installed .*\n.*Say install/)
  await install(INSTALLER, prefix, 'install')
  const before = await realpath(join(prefix, 'opt/hotplugd/current'))
  const tree = await brokenTree(t)
  await t.rejects(install(join(tree, 'systemd/install.sh'), prefix, 'upgrade'), /the programs do not run on this host/)
  await rm(join(tree, 'package-lock.json'))
  await t.rejects(install(join(tree, 'systemd/install.sh'), prefix, 'upgrade'), /is not a built tree: package-lock.json is missing/)
  t.equal(await realpath(join(prefix, 'opt/hotplugd/current')), before)
  t.equal((await releases(prefix)).length, 1, 'nothing half is left')
  await runsFrom(t, prefix)
})

/** A built tree whose program breaks at once. */
async function brokenTree(t: Teardown): Promise<string> {
  const tree = await scratch(t)
  for (const part of ['systemd', 'docs', 'package.json', 'package-lock.json', 'CHANGELOG.md', 'out/src']) await cp(join(PROJECT, part), join(tree, part), { recursive: true })
  await mkdir(join(tree, 'native'))
  await symlink(await realpath(join(PROJECT, 'node_modules')), join(tree, 'node_modules'))
  await symlink(join(PROJECT, 'native/build'), join(tree, 'native/build'))
  await appendFile(join(tree, 'out/src/daemon.js'), '\nthis is no program\n')
  return tree
}

t.test('a disk that is full leaves the release before', async (t) => {
  const prefix = await scratch(t)
  await mkdir(join(prefix, 'opt'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=250m', 'tmpfs', join(prefix, 'opt')])
  t.teardown(() => run('umount', [join(prefix, 'opt')]))
  await install(INSTALLER, prefix, 'install')
  const before = await realpath(join(prefix, 'opt/hotplugd/current'))
  await t.rejects(install(INSTALLER, prefix, 'upgrade'), /No space left on device/)
  t.equal(await realpath(join(prefix, 'opt/hotplugd/current')), before)
  t.same(await releases(prefix), [before.slice(before.lastIndexOf('/') + 1)])
  t.equal((await stat(join(prefix, 'opt/hotplugd/releases'))).isDirectory(), true)
  await runsFrom(t, prefix)
})

t.test('what it does not understand it does not do', async (t) => {
  const prefix = await scratch(t)
  for (const args of [['frobnicate'], ['install', '--force'], []]) {
    const failure = await install(INSTALLER, prefix, ...args).catch((error: unknown) => error)
    t.ok(failure instanceof CommandError && failure.exitCode === 2, args.join(' '))
  }
  t.same(await readdir(prefix), [])
})
