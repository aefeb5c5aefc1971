import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import t from 'tap'
import { run as runCtl } from '../cli/terminal.ts'
import { type Daemon, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { run, startLibvirtHost, startPausedDomain, until } from '../support/lab.ts'
import { makeDirectory, makeImage } from './user-scene.ts'

const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJQTEFOVEVEIn0.UExBTlRFRA'
const ENV = { AGENT_TOKEN: 'PLANTED-in-the-environment', KUBECONFIG: '/PLANTED-in-the-environment' }
const base = await makeDirectory(t)

/** Unpacks with the real tar: text by file name. */
async function unpack(file: string): Promise<ReadonlyMap<string, string>> {
  const directory = join(base, `unpacked-${basename(file)}`)
  await mkdir(directory)
  await run('tar', ['-xzf', file, '-C', directory])
  const [top = ''] = await readdir(directory)
  const names = await readdir(join(directory, top))
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, top, name), 'utf8')] as const)))
}

function bundle(daemon: Pick<Daemon, 'socket'>, ...args: readonly string[]) {
  return runCtl(['bundle', ...args], { HOTPLUGD_SOCKET: daemon.socket, ...ENV })
}

t.test('all there is of a host, and none of the secrets', async (t) => {
  const host = await startLibvirtHost(t)
  await startPausedDomain(host, { name: 'p1' })
  const daemon = await startDaemon(t, { libvirt: host.uri, env: ENV })
  await daemon.add('p1', 'data', await makeImage(t))
  await daemon.ready('p1', 'data')
  await writeFile(join(daemon.directories.manifests, 'late.yaml'), JSON.stringify({
    apiVersion: 'hotplugd.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'p1' },
    spec: { volumes: [{ name: 'late', local: { path: '/srv/password=PLANTED-in-a-path' } }], domain: { devices: { disks: [{ name: 'late', disk: { bus: 'scsi' } }] } } },
  }))
  await daemon.reason('p1', 'late', 'SourceMissing')
  await daemon.call('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/p1/removevolume', { name: `Bearer ${JWT}` }) // refused, and logged
  await until('the log to have it', async () => (await daemon.log()).includes(JWT))

  const file = join(base, 'host.tar.gz')
  const { code, out, err } = await bundle(daemon, '-o', file)
  t.match({ code, err }, { code: 0, err: '' })
  t.match(out, `${file} has 10 files.`)
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const files = await unpack(file)
  t.same([...files.keys()].sort(), ['bundle.json', 'config.json', 'doctor.txt', 'explanations.json', 'log.jsonl', 'metrics.txt', 'process.json', 'readyz.txt', 'state.json', 'vmis.json'])
  for (const [name, text] of files) t.notMatch(text, /PLANTED|eyJhbG|UExBTlRFRA/, name)
  const json = (name: string) => JSON.parse(files.get(name) ?? '')
  t.match(json('bundle.json'), { hotplugctl: /^\d/, node: process.version, system: /^Linux \d/, missing: [] })
  t.match(json('process.json'), { pid: daemon.pid })
  t.match(json('state.json'), { vms: [{ domain: { disks: [{ serial: 'data' }] } }], history: [{ at: /Z$/ }] })
  t.match(json('vmis.json'), { items: [{ metadata: { name: 'p1' } }] })
  t.match(json('explanations.json').map((one: { volume: string; reason: string }) => `${one.volume} ${one.reason}`), ['data VolumeReady', 'late SourceMissing'])
  t.match(files.get('doctor.txt'), /^ok +libvirt default: /m)
  t.match(files.get('readyz.txt'), /readyz check passed/)
  t.match(files.get('metrics.txt'), /^hotplugd_volumes\{/m)
  t.match(files.get('log.jsonl'), /"msg":"hotplugd started"/)
  t.match(files.get('log.jsonl'), /"volume":"Bearer \[blotted out\]"/, 'the line is there, without the secret')

  t.match(await bundle(daemon, '-o', file), { code: 1, err: /is there already\n {2}remedy: / }, 'never over what is there')
  await symlink(join(base, 'elsewhere'), join(base, 'link.tar.gz'))
  t.match(await bundle(daemon, '--output', join(base, 'link.tar.gz')), { code: 1, err: /is there already/ }, 'nor through a link')
  t.match(await bundle(daemon, '-o', join(base, 'nowhere/x.tar.gz')), { code: 1, err: /cannot be written: ENOENT/ })
})

t.test('of an agent that reaches no cluster: its kubeconfig and token stay out', async (t) => {
  const kubeconfig = join(base, 'kubeconfig')
  await writeFile(kubeconfig, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://user:PLANTED-in-a-url@127.0.0.1:1' } }], users: [{ name: 'u', user: { token: JWT } }],
  }))
  const daemon = await spawnDaemon(t, { libvirt: 'qemu:///system', env: ENV, flags: ['--mode', 'kubernetes', '--node-name', 'node1', '--kubeconfig', kubeconfig] })
  await until('it to have begun', async () => ((await daemon.call('GET', '/debug/state')).body as { cluster: unknown }).cluster)
  const file = join(base, 'cluster.tar.gz')
  t.match(await bundle(daemon, '-o', file), { code: 0 })
  const files = await unpack(file)
  for (const [name, text] of files) t.notMatch(text, /PLANTED|eyJhbG|UExBTlRFRA/, name)
  t.match(files.get('doctor.txt'), /^FAILED +api-server: /m)
  t.match(files.get('config.json'), /"--?kubeconfig"|kubeconfig/)
  t.match(JSON.parse(files.get('state.json') ?? ''), { role: { role: 'companion' }, cluster: { watches: [{ name: 'vmis', synced: false }, {}, {}] } })
})

t.test('without a daemon: what can be had, and what is missing is said', async (t) => {
  const file = join(base, 'alone.tar.gz')
  const { code, err } = await bundle({ socket: join(base, 'nobody.sock') }, '-o', file, '--', '--libvirt-uri', `qemu+unix:///session?socket=${join(base, 'none')}&password=PLANTED-in-a-uri`)
  t.equal(code, 0)
  t.match(err, /^left out state\.json: hotplugd cannot be reached/m)
  const files = await unpack(file)
  t.match(files.get('doctor.txt'), /^FAILED +libvirt default: /m)
  t.match(JSON.parse(files.get('bundle.json') ?? ''), { missing: [{ path: 'process.json', why: /cannot be reached/ }] })
  for (const [name, text] of files) t.notMatch(text, /PLANTED/, name)
})
