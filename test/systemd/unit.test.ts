import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { OPTIONS } from '../../src/config/options.ts'
import { PROJECT, run } from '../support/lab.ts'

const UNIT = join(PROJECT, 'systemd/hotplugd.service')

interface Finding {
  readonly name: string
  readonly exposure: string | null
}

t.test('systemd-analyze security says OK, and each item left open is explained', async (t) => {
  const verdict = (await run('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT])).trim().split('\n').at(-1) ?? ''
  const [, exposure, word] = /: ([\d.]+) (\w+)/.exec(verdict) ?? []
  t.equal(word, 'OK', verdict)
  t.ok(Number(exposure) <= 3, `${verdict}: what was shut stays shut`)
  const docs = await readFile(join(PROJECT, 'docs/install.md'), 'utf8')
  const findings = JSON.parse(await run('systemd-analyze', ['security', '--offline=true', '--json=short', UNIT])) as Finding[]
  const open = findings.filter((finding) => Number(finding.exposure) > 0).map((finding) => finding.name.replaceAll('|', '\\|'))
  t.ok(open.length > 0)
  for (const name of open) t.ok(docs.includes(`| \`${name}\` |`), name)
})

t.test('systemd understands every line', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'hotplugd-unit-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const unit = join(root, 'usr/lib/systemd/system/hotplugd.service')
  const node = join(root, 'opt/hotplugd/current/bin/node')
  await mkdir(dirname(unit), { recursive: true })
  await mkdir(dirname(node), { recursive: true })
  await writeFile(node, '', { mode: 0o755 })
  await cp(UNIT, unit)
  for (const target of ['sysinit', 'basic', 'shutdown', 'multi-user']) await writeFile(join(dirname(unit), `${target}.target`), '[Unit]\nDefaultDependencies=no\n')
  const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', `--root=${root}`, 'hotplugd.service'])
  t.equal(stderr, '')
})

t.test('the directories of the unit are those of the configuration', async (t) => {
  const unit = await readFile(UNIT, 'utf8')
  const says = (line: string): void => void t.ok(unit.split('\n').includes(line), line)
  t.same(OPTIONS.runDir.defaults, ['/run/hotplugd'])
  says('RuntimeDirectory=hotplugd')
  says('RuntimeDirectoryPreserve=yes')
  t.same(OPTIONS.stateDir.defaults, ['/var/lib/hotplugd'])
  says('StateDirectory=hotplugd')
  says('Type=notify')
})

t.test('sysusers and tmpfiles are understood, and make what the configuration names', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'hotplugd-snippets-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'etc'))
  const snippet = (name: string): string => join(PROJECT, 'systemd', name)
  await run('systemd-sysusers', [`--root=${root}`, snippet('sysusers.conf')])
  t.match(await readFile(join(root, 'etc/group'), 'utf8'), /^hotplugd:x:\d+:$/m)
  t.match(await readFile(snippet('config.yaml'), 'utf8'), /^socket-group: hotplugd$/m)
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')
  await run('systemd-tmpfiles', [`--root=${root}`, '--create', snippet('tmpfiles.conf')])
  t.same(OPTIONS.manifestDir.defaults, ['/etc/hotplugd/vms.d'])
  t.same(await run('stat', ['-c', '%a %u:%g', join(root, 'etc/hotplugd/vms.d')]), '755 0:0\n')
})
