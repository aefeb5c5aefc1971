import { readFileSync } from 'node:fs'
import t from 'tap'
import { formatAge, parseDurationMs } from '../../src/config/duration.ts'
import { invocationOf } from '../../src/config/flags.ts'
import { groupId } from '../../src/config/group-id.ts'
import { helpText, optionsAsMarkdown } from '../../src/config/help.ts'
import { nearest } from '../../src/config/nearest.ts'
import { OPTION_NAMES, variableOf } from '../../src/config/options.ts'

t.test('what the command line asks for', async t => {
  t.equal(invocationOf([]), 'run')
  t.equal(invocationOf(['--validate-config', '--config', 'x']), 'validate-config')
  t.equal(invocationOf(['--version', '--help']), 'help')
  t.equal(invocationOf(['-h']), 'help')
  t.equal(invocationOf(['--version']), 'version')
})

t.test('help names every option, its default and nothing wider than a screen', async t => {
  const help = helpText()
  for (const name of OPTION_NAMES) t.ok(help.includes(`--${name}`), name)
  t.ok(help.includes('/run/hotplugd/hotplugd.sock'))
  t.ok(help.split('\n').every(line => line.length <= 110))
})

t.test('the documentation has the table as it is', async t => {
  t.ok(readFileSync('docs/configuration.md', 'utf8').includes(optionsAsMarkdown()), 'docs/configuration.md: paste the output of optionsAsMarkdown()')
  for (const name of OPTION_NAMES) t.ok(optionsAsMarkdown().includes(variableOf(name)), name)
})

t.test('groups by name and number', async t => {
  const file = 'root:x:0:\nbad:x:zz:\nkvm:x:106:alice,bob\n'
  t.equal(groupId('kvm', file), 106)
  t.equal(groupId('42', file), 42)
  t.throws(() => groupId('disk', file), { message: 'group disk is not in /etc/group' })
  t.throws(() => groupId('bad', file), { name: 'HotplugError' })
})

t.test('durations, ages, and words that are near', async t => {
  t.same(['500ms', '30s', '2m', '1h', '0.25s', '5', '', '1y', '1.s'].map(parseDurationMs), [500, 30_000, 120_000, 3_600_000, 250, null, null, null, null])
  t.same([-5, 5_000, 119_000, 600_000, 7_300_000, 864_000_000].map(formatAge), ['0s', '5s', '119s', '10m', '2h', '10d'])
  t.equal(nearest('addvolum', ['addvolume', 'removevolume']), 'addvolume')
  t.equal(nearest('zzz', ['addvolume', 'removevolume']), null)
})
