import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { daemonDirectories, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { startLibvirtHost, startPausedDomain, until } from '../support/lab.ts'
import { ctl, makeImage, plug, unplug } from './user-scene.ts'

const host = await startLibvirtHost(t)
await startPausedDomain(host)

const CONFIGURATIONS: Readonly<Record<string, readonly [readonly string[], Readonly<Record<string, string>>, string | RegExp]>> = {
  'an unknown flag suggests the right one': [['--state-dri=/x'], {}, /unknown flag '?--state-dri'? \(did you mean --state-dir\?\)/],
  'a wrong value': [['--listen=nowhere'], {}, /--listen: found 'nowhere', allowed: HOST:PORT/],
  'an unknown variable': [[], { HOTPLUGD_STATE_DRI: '/x' }, 'unknown variable HOTPLUGD_STATE_DRI (did you mean HOTPLUGD_STATE_DIR?)'],
  'another mode': [['--mode=standalon'], {}, /found 'standalon'/],
  'two libvirts for one namespace': [['--libvirt-uri', 'a=qemu:///system', '--libvirt-uri', 'a=qemu:///session'], {}, /namespace 'a'|a=/],
}
for (const [what, [flags, env, words]] of Object.entries(CONFIGURATIONS)) {
  t.test(`${what}: exit code 2, cause and remedy`, async (t) => {
    const daemon = await spawnDaemon(t, { libvirt: host.uri, flags, env })
    await daemon.waitEnd()
    t.equal(daemon.child.exitCode, 2)
    t.match(await daemon.log(), words)
    t.match(await daemon.log(), /^error: the configuration is invalid: [^]*\n {2}remedy: /)
  })
}

t.test('a configuration file: line and key, and the right key', async (t) => {
  const directories = await daemonDirectories(t)
  const file = join(directories.base, 'hotplugd.yaml')
  await writeFile(file, 'hotplug: true\nstate-dri: /x\n')
  const daemon = await spawnDaemon(t, { libvirt: host.uri, directories, flags: ['--config', file] })
  await daemon.waitEnd()
  t.match(await daemon.log(), `${file}:2:1: unknown key 'state-dri' (did you mean state-dir?)`)
  await writeFile(file, 'hotplug: false\n')
  const valid = await spawnDaemon(t, { libvirt: host.uri, directories, flags: ['--config', file, '--validate-config'] })
  await valid.waitEnd()
  t.equal(valid.child.exitCode, 0)
  t.match(await valid.log(), 'the configuration is valid')
})

t.test('a state directory that cannot be made or written', async (t) => {
  const directories = await daemonDirectories(t)
  await writeFile(join(directories.base, 'file'), '')
  const daemon = await spawnDaemon(t, { libvirt: host.uri, directories: { ...directories, state: join(directories.base, 'file/state') } })
  await daemon.waitEnd()
  t.equal(daemon.child.exitCode, 1)
  t.match(await daemon.log(), /\nerror: .*file\/state.*ENOTDIR.*\n {2}remedy: Make the state directory writable/)
})

t.test('a state directory of a newer version is left alone', async (t) => {
  const directories = await daemonDirectories(t)
  await mkdir(directories.state)
  await writeFile(join(directories.state, 'format-version'), '99\n')
  const daemon = await spawnDaemon(t, { libvirt: host.uri, directories })
  await daemon.waitEnd()
  t.equal(daemon.child.exitCode, 1)
  t.match(await daemon.log(), /\nerror: .*state has format "99", this version of hotplugd reads 1\n {2}remedy: Run the newer hotplugd again, or move the state directory away\./)
  t.same(await readdir(directories.state), ['format-version'])
})

t.test('two agents on one run directory: the second waits, says so, and takes over', async (t) => {
  const first = await startDaemon(t, { libvirt: host.uri })
  await plug(first, 'vm1', 'data', await makeImage(t))
  const second = await spawnDaemon(t, { libvirt: host.uri, directories: first.directories })
  await until('it to say that it waits', async () => /"reason":"NodeLocked"/.test(await second.log()))
  t.match(await second.log(), new RegExp(`"pid":${first.pid},.*another hotplugd runs here, waiting for it to end`))
  await first.stop()
  await second.waitReady()
  t.match(await second.ready('vm1', 'data'), { phase: 'Ready' })
  await unplug(second, 'vm1', 'data')
  await second.stop()
  t.equal(second.child.exitCode, 0)
})

t.test('libvirt unreachable at the start: alive, not ready, says so, and begins when it is there', async (t) => {
  const late = await startLibvirtHost(t)
  await late.kill9()
  const daemon = await spawnDaemon(t, { libvirt: late.uri })
  await until('it to be alive', async () => (await daemon.call('GET', '/livez')).status === 200)
  await until('it to say why', async () => /\[-\]libvirt-default: .*(refused|connect)/i.test((await daemon.call('GET', '/readyz?verbose')).text))
  t.match(await daemon.ctl('get', 'vmis'), { exitCode: 0, stdout: '', stderr: /^no vmis found in namespace default\nhotplugd is not ready: libvirt-default: / })
  t.match(await daemon.add('vm1', 'data', '/dev/null'), { status: 503, body: { details: { causes: [{ reason: 'LibvirtUnavailable' }] } } })
  await late.restart()
  await daemon.waitReady()
  await daemon.stop()
})

t.test('several libvirts, each its namespace', async (t) => {
  const other = await startLibvirtHost(t)
  await startPausedDomain(other)
  const daemon = await startDaemon(t, { libvirt: { default: host.uri, other: other.uri } })
  t.match(await ctl(daemon, 'get', 'vmis', '-A'), /^NAMESPACE +NAME[^\n]*\ndefault +vm1[^\n]*\nother +vm1/)
  const image = await makeImage(t)
  await ctl(daemon, 'addvolume', 'vm1', '-n', 'other', '--volume-name=data', `--source=${image}`, '--wait')
  t.match(await daemon.add('default/vm1', 'data', image), { status: 409, body: { message: /in use by volume data of other\/vm1/ } })
  t.match(await daemon.volume('default/vm1', 'data'), undefined)
  t.match(await ctl(daemon, 'get', 'volumes', '-n', 'other'), /vm1 +data +Ready/)
})
