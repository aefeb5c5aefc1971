import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { complete } from '../../src/cli/commands/complete.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { wantedWord } from '../../src/cli/wanted-word.ts'
import { LOG_LEVELS } from '../../src/config/config.ts'
import { vmKey } from '../../src/model/ids.ts'
import { startLab } from '../http/lab.ts'
import { readyVolume, runningVm, VM1 } from '../http/samples.ts'
import { PATIENCE_MS, run as runProgram, until } from '../support/lab.ts'
import { home, startShell, type Shell } from './shell.ts'
import { run } from './terminal.ts'

const lab = await startLab()
t.teardown(() => lab.close())
lab.agent.set(runningVm(VM1, readyVolume('database'), readyVolume('logs')))
lab.agent.set({ ...runningVm(vmKey({ namespace: 'lab', name: 'odd name' })), volumes: [] })
lab.agent.set({ ...runningVm(vmKey({ namespace: 'lab', name: 'evil\u001b[2J' })), volumes: [] })
const { directory, env } = await home(t, lab.socket)
await writeFile(join(directory, 'image file.img'), '')
await writeFile(join(directory, 'other.img'), '')

/** What is offered at the end of that line, each word without what it means. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const lines = await complete(words, lab.socket, PATIENCE_MS)
  return lines.map(line => line.split('\t')[0] ?? '')
}

t.test('the table of commands is what is offered', async t => {
  t.same(await offered(''), [...COMMANDS.map(({ name }) => name), 'help'])
  t.same(await offered('help', 'ex'), ['explain'])
  for (const { name, flags } of COMMANDS) t.same((await offered(name, '--')).filter(word => !['--socket', '--help', '--version'].includes(word)), flags.map(flag => `--${flag.name}`), name)
  for (const flag of COMMANDS.flatMap(command => command.flags)) if (flag.words !== undefined) t.ok(flag.words.length > 0)
  t.same(await offered('get', 'vmis', '--output', ''), ['table', 'wide', 'json', 'yaml'])
  t.same(await offered('get', 'vmis', '-o', 'j'), ['json'])
  t.same(await offered('get', 'vmis', '--output=y'), ['--output=yaml'])
  t.same(await offered('get', 'vmis', '--watch', '--w'), [], 'a flag once')
  t.same(await offered('log-level', ''), LOG_LEVELS)
  t.same(await offered('completion', ''), ['bash', 'zsh', 'fish'])
  t.same(await offered('doctor', '--', '--'), [], 'what is behind -- is not ours')
  t.same(await offered('nonsense', ''), [])
})

t.test('names of VMs, volumes and namespaces from the daemon', async t => {
  t.same(await offered('explain', ''), ['vm1'])
  t.same(await offered('explain', '-n', 'lab', ''), ['odd name'], 'one that would steer the terminal is not offered')
  t.same(await offered('explain', 'vm1', ''), ['database', 'logs', 'vda'])
  t.same(await offered('describe', 'volume', 'vm1', 'l'), ['logs'])
  t.same(await offered('get', 'volumes', ''), ['vm1'])
  t.same(await offered('removevolume', 'vm1', '--volume-name='), ['--volume-name=database', '--volume-name=logs'], 'only what can be removed')
  t.same(await offered('addvolume', 'vm1', '--volume-name', ''), [], 'a new one has no name yet')
  t.same(await offered('get', 'vmis', '--namespace', ''), ['default', 'lab'])
  t.same(await offered('addvolume', 'vm1', '--source='), [':path'])
  t.same(await offered('explain', '--socket', '/nonexistent', ''), [], 'and none where no daemon answers')
  t.same(wantedWord(['explain', '--socket=/x', '-n', 'lab', 'vm1', '']).meant, { socket: '/x', namespace: 'lab', vm: 'vm1' })
})

/** What both shells with a line editor do. */
async function completesAll(shell: Shell): Promise<void> {
  await shell.completes('hotplugctl remo\t', 'removevolume')
  await shell.completes('hotplugctl explain v\tdat\t', 'explain vm1 database')
  await shell.completes('hotplugctl explain -n lab o\t', 'explain -n lab odd name')
  await shell.completes('hotplugctl get vmis --out\tj\t', 'get vmis --output json')
  await shell.completes('hotplugctl get vmis --output=w\t', 'get vmis --output=wide')
  await shell.completes('hotplugctl removevolume vm1 --volume-name=lo\t', 'removevolume vm1 --volume-name=logs')
  await shell.completes('hotplugctl addvolume vm1 --source=oth\t', 'addvolume vm1 --source=other.img')
  await shell.completes('hotplugctl addvolume vm1 --source ima\t', 'addvolume vm1 --source image file.img')
  await shell.lists('hotplugctl explain vm1 ', ['database', 'logs', 'vda'])
  await shell.lists('hotplugctl get v', ['vmis', 'volumes'])
}

t.test('in a real bash', async t => {
  await t.resolves(completesAll(await startShell(t, 'bash --norc --noprofile -i', { directory, env, setUp: 'source <(hotplugctl completion bash)' })))
})

t.test('in a real zsh', async t => {
  const setUp = `autoload -Uz compinit && compinit -u -d ${directory}/dump && source <(hotplugctl completion zsh)`
  await t.resolves(completesAll(await startShell(t, 'zsh -f -i', { directory, env, setUp })))
})

t.test('in a real fish', async t => {
  const ask = async (line: string): Promise<string[]> => {
    const said = await runProgram('env', ['-i', '-C', directory, ...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'fish', '--no-config', '-c', `hotplugctl completion fish | source; complete --do-complete '${line}'`])
    return said.split('\n').filter(text => text !== '')
  }
  // A machine that is slow has no names in time.
  const answers = (line: string, offers: readonly string[]): Promise<unknown> =>
    until(`fish to offer ${offers.join()}`, async () => {
      const said = await ask(line)
      if (said.join('\n') !== offers.join('\n')) throw new Error(`it offers ${JSON.stringify(said)}`)
      return true
    })
  await answers('hotplugctl remo', ['removevolume\tTake a hot-plugged volume out of a VM.'])
  await answers('hotplugctl explain vm1 ', ['database\tReady sda', 'logs\tReady sda', 'vda\tvda'])
  await answers('hotplugctl explain -n lab ', ['odd name\tRunning'])
  t.same((await ask('hotplugctl get vmis --output=')).map(text => text.split('\t')[0]), ['--output=table', '--output=wide', '--output=json', '--output=yaml'].sort())
  t.same((await ask('hotplugctl addvolume vm1 --source=oth')).map(text => text.split('\t')[0]), ['--source=other.img'])
})

t.test('another shell is refused', async t => {
  t.match(await run(['completion', 'bahs']), { code: 2, err: /found 'bahs' \(did you mean bash\?\), allowed: bash, zsh, fish/ })
})
