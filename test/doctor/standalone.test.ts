import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { VERSION } from '../../src/version.ts'
import { startDaemon } from '../support/daemon.ts'
import { startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { examine } from './examine.ts'

const base = await mkdtemp(join(tmpdir(), 'hotplugd-doctor-'))
t.teardown(() => rm(base, { recursive: true, force: true }))
const host = await startLibvirtHost(t)
await startPausedDomain(host, { name: 'p1' })
const WELL = ['--libvirt-uri', host.uri, '--state-dir', join(base, 'state'), '--run-dir', join(base, 'run'), '--manifest-dir', join(base, 'vms.d'), '--listen', 'none', '--socket', join(base, 'hotplugd.sock')]
/** As root in a mount namespace of its own, after this. */
const after = (script: string): readonly string[] => ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${script} && exec "$@"`, 'sh']
const without = (...capabilities: readonly string[]): readonly string[] => ['setpriv', '--bounding-set', capabilities.map((name) => `-${name}`).join(',')]

t.test('with a daemon that runs: everything is looked at, as the daemon is configured', async (t) => {
  const daemon = await startDaemon(t, { libvirt: host.uri })
  const { exitCode, stdout, stderr } = await daemon.ctl('doctor')
  t.equal(exitCode, 0, stderr + stdout)
  for (const line of [
    /^ok +configuration: valid, mode standalone: as the running daemon has it$/m, new RegExp(`^ok +daemon: hotplugd ${VERSION} runs as process ${daemon.pid}$`, 'm'),
    /^ok +kernel: Linux \S+ has openat2, statx$/m, new RegExp(`^ok +capabilities: hotplugd \\(process ${daemon.pid}\\) has CAP_CHOWN, `, 'm'),
    /^ok +processes: /m, /^ok +cgroups: /m, /^ok +socket: .*, mode 0660, uid 0, gid 0$/m, /^ok +libvirt default: .* answers; 1 domains$/m, /^ok +libvirt default qemu: the QEMU processes of 1 running guests/m,
    new RegExp(`^(ok|warning) +run-dir: ${daemon.directories.run} `, 'm'), /^\d+ ok, \d+ warnings, 0 failed$/m,
  ]) t.match(stdout, line)
  await host.kill9()
  t.teardown(() => host.restart())
  await t.resolves(daemon.call('GET', '/livez'))
  const ill = await daemon.ctl('doctor', '-o', 'json')
  t.equal(ill.exitCode, 1)
  t.ok(JSON.parse(ill.stdout).findings.some((finding: { name: string; state: string }) => finding.name === 'libvirt default' && finding.state === 'failed'))
})

t.test('without a daemon, on a host that has what is needed', async (t) => {
  const { code, findings, of } = await examine(WELL)
  t.equal(code, 0, JSON.stringify(findings))
  t.match(of('daemon'), /^warning: hotplugd cannot be reached at \S+hotplugd\.sock: .*ENOENT/)
  t.match(of('capabilities'), /^ok: this process has/)
  t.match(of('state-dir'), `ok: ${join(base, 'state')} will be made in ${base}`)
  for (const { name, state, remedy } of findings) t.equal(remedy === undefined, state === 'ok', `${name}: a remedy where something is to be mended`)
})

t.test('with no more capabilities than the unit gives', async (t) => {
  const { code, findings } = await examine(WELL, ['setpriv', '--bounding-set', '-all,+chown,+dac_read_search,+sys_ptrace', '--no-new-privs'])
  t.equal(code, 0, JSON.stringify(findings))
})

t.test('what is wrong is named, with its remedy, and the exit code is 1', async (t) => {
  const file = join(base, 'file')
  await writeFile(file, '')
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const wrong = ['--libvirt-uri', `qemu+unix:///session?socket=${join(base, 'no-libvirt')}`, '--state-dir', file, '--run-dir', join(base, 'run'), '--listen', `127.0.0.1:${port}`, '--socket-group', 'nobody-has-this', '--socket', join(base, 'nowhere/hotplugd.sock')]
  const { code, of, findings, err } = await examine(wrong)
  t.equal(code, 1)
  t.match(err, /^error: \d of \d+ checks failed\n/)
  t.match(of('libvirt default'), /^failed: .*no-libvirt.*: .*Failed to connect/)
  t.match(of('state-dir'), `failed: ${file} is no directory`)
  t.match(of('socket'), /^failed: .*nowhere\/hotplugd\.sock cannot be made: ENOENT/)
  t.match(of('listen'), /^failed: .*EADDRINUSE/)
  t.match(of('socket-group'), 'failed: group nobody-has-this is not in /etc/group')
  t.match(findings.find(({ name }) => name === 'libvirt default')?.remedy, /^Start libvirt .* There is no \S+no-libvirt\.$/)
})

t.test('a configuration that is invalid', async (t) => {
  const { code, of, findings } = await examine(['--mode', 'standalone', '--state-dir', 'relative', '--colour=red'])
  t.equal(code, 1)
  t.equal(findings.length, 1, 'nothing is looked at that nobody knows to be meant')
  t.match(of('configuration'), /failed: the configuration is invalid: 2 problems:[^]*unknown flag --colour[^]*found 'relative', allowed: an absolute path/)
})

t.test('directories that cannot be written, or do not keep what is to be kept', async (t) => {
  const [state, run] = [join(base, 'mounted'), join(base, 'small')]
  await mkdir(state)
  await mkdir(run)
  const flags = [...WELL, '--state-dir', state, '--run-dir', run]
  const readOnly = await examine(flags, after(`mount -t tmpfs -o ro none ${state}`))
  t.equal(readOnly.code, 1)
  t.match(readOnly.of('state-dir'), /^failed: .* cannot be written: EROFS/)
  const volatile = await examine(flags, after(`mount -t tmpfs none ${state} && mount -t tmpfs -o size=64k none ${run}`))
  t.match(volatile.of('state-dir'), /^failed: .* is on tmpfs, which is gone after a boot/)
  t.match(volatile.of('run-dir'), /^failed: .*: 65536 bytes and \d+ files are free/)
  const proper = await examine(flags, after(`mount -t tmpfs none ${run}`))
  t.match(proper.of('run-dir'), /^ok: .* \(tmpfs, \d+ MiB free\)/)
})

t.test('a capability that was dropped', async (t) => {
  const { code, of } = await examine(WELL, without('sys_ptrace'))
  t.equal(code, 1)
  t.match(of('capabilities'), /^failed: this process lacks CAP_SYS_PTRACE, which sees what a QEMU has open/)
  t.match(of('libvirt default'), /^failed: /, 'the way to this libvirt is through another process')
  const bare = await examine(WELL, without('chown', 'dac_read_search', 'dac_override'))
  t.match(bare.of('capabilities'), /lacks CAP_CHOWN[^]*lacks CAP_DAC_READ_SEARCH/)
})
