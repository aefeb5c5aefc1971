import { createServer } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../../src/cli/commands.ts'
import { VERSION } from '../../src/version.ts'
import { PROJECT, run as command } from '../support/lab.ts'
import { run } from './terminal.ts'

t.test('help names every command, every flag and every exit code', async t => {
  const { code, out } = await run(['help'])
  t.equal(code, 0)
  for (const word of ['Exit codes:', 'explain|why', ...COMMANDS.map(command => command.name)]) t.ok(out.includes(word), word)
  for (const { name, flags } of COMMANDS) {
    const [byHelp, byFlag, version] = await Promise.all([run(['help', name]), run([name, '--help']), run([name, '--version'])])
    t.equal(byHelp.code, 0)
    t.equal(byHelp.out, byFlag.out)
    t.match(version, { code: 0, out: /^hotplugctl \d+\.\d+\.\d+\n$/ }, `${name} --version`)
    for (const flag of flags) t.ok(byHelp.out.includes(`--${flag.name}`), `${name} --${flag.name}`)
  }
  t.equal((await run(['--help'])).out, out)
  t.match(await run(['--version']), { code: 0, out: /^hotplugctl \d+\.\d+\.\d+\n$/ })
  t.equal(await command(process.execPath, [join(PROJECT, 'out/src/main.js'), '--version']), `hotplugd ${VERSION}\n`)
})

t.test('wrong command lines: exit code 2, what is wrong, and what was meant', async t => {
  const cases: [string[], RegExp][] = [
    [[], /no command was given/],
    [['addvolum', 'vm'], /unknown command 'addvolum' \(did you mean addvolume\?\)/],
    [['help', 'explian'], /unknown command 'explian' \(did you mean explain\?\)/],
    [['addvolume'], /addvolume needs the VM/],
    [['addvolume', 'vm', '--source=/x'], /needs --volume-name=NAME/],
    [['addvolume', 'vm', '--volume-name=v'], /needs --source=PATH/],
    [['addvolume', 'vm', 'extra', '--volume-name=v', '--source=/x'], /unexpected argument 'extra'/],
    [['addvolume', 'vm', '--volumename=v'], /unknown flag --volumename \(did you mean --volume-name\?\)/],
    [['addvolume', 'vm', '--volume-name'], /flag --volume-name needs a value: NAME/],
    [['addvolume', 'vm', '--volume-name', '--source=/x'], /flag --volume-name needs a value/],
    [['addvolume', 'vm', '--persist=yes'], /flag --persist takes no value, found 'yes'/],
    [['addvolume', 'vm', '--cache=writeback2'], /flag --cache found 'writeback2' \(did you mean writeback\?\), allowed: none/],
    [['addvolume', 'vm', '--volume-name=v', '--source=/x', '--timeout=5s'], /--timeout has a meaning only with --wait/],
    [['addvolume', 'vm', '--volume-name=v', '--source=/x', '--wait', '--timeout=soon'], /flag --timeout: found 'soon'/],
    [['addvolume', 'vm', '--volume-name=v', '--source=/x', '--wait', '--dry-run'], /--wait has no meaning with --dry-run/],
    [['removevolume', 'vm', '--volume-name=v', '--serial=x'], /unknown flag --serial of removevolume/],
    [['removevolume', '', '--volume-name=v'], /the VM is empty/],
    [['get'], /get what\? vmis or volumes/],
    [['get', 'volumse'], /unknown kind 'volumse' \(did you mean volumes\?\)/],
    [['get', 'vmis', 'a', 'b'], /unexpected argument 'b'/],
    [['get', 'vmis', 'a', '-A'], /leave out the VM/],
    [['get', 'vmis', '-o', 'xml'], /allowed: table, wide, json, yaml/],
    [['describe', 'vm1', 'data'], /describe needs the volume's name/],
    [['describe', 'vm', 'vm1', 'data'], /unknown kind 'vm'/],
    [['why', 'vm1'], /explain needs the volume's name/],
  ]
  for (const [args, message] of cases) {
    const { code, out, err } = await run(args)
    t.same([code, out], [2, ''], args.join(' '))
    t.match(err, message)
    t.match(err, /^error: .*\n {2}remedy: Read: hotplugctl help/, 'with a remedy')
  }
})

t.test('a daemon that cannot be reached: exit code 5', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'hp-cli-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const missing = join(directory, 'missing.sock')
  t.match(await run(['get', 'vmis', '--socket', missing]), { code: 5, out: '', err: /^error: hotplugd cannot be reached at .*missing\.sock: .*ENOENT.*\n {2}remedy: Start hotplugd, or name its socket/ })
  t.match(await run(['get', 'vmis'], { HOTPLUGD_SOCKET: missing }), { code: 5, err: /missing\.sock/ }, 'the variable is read')
  const file = join(directory, 'file')
  await writeFile(file, '')
  t.match(await run(['get', 'vmis', '--socket', file]), { code: 5, err: /remedy: / })
  const rude = createServer(socket => socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
  await new Promise<void>(resolve => rude.listen(join(directory, 'rude.sock'), resolve))
  t.teardown(() => rude.close())
  t.match(await run(['get', 'vmis', '--socket', join(directory, 'rude.sock')]), { code: 1, err: /this is no answer of hotplugd: hello/ })
})
