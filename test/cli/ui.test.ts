import { createServer } from 'node:net'
import t from 'tap'
import { startLab, until } from '../http/lab.ts'
import { enter, visit } from '../page/visitor.ts'
import { run, start } from './terminal.ts'

const lab = await startLab()
t.teardown(() => lab.close())
const env = { HOTPLUGD_SOCKET: lab.socket }

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`it prints an address, serves, and ends in order with ${signal}`, async t => {
    const ui = start(['ui'], env)
    t.teardown(() => ui.child.kill('SIGKILL'))
    await until('the address', () => ui.err().includes('Ctrl-C'))
    t.match(ui.out(), /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}\n$/, 'and nothing else, for who opens it by a script')
    const address = ui.out().trim()
    const port = Number(new URL(address).port)
    t.match(ui.err(), new RegExp(`ssh -L ${port}:127\\.0\\.0\\.1:${port} node1`))
    t.equal((await visit(port, '/ui/', { headers: await enter({ port, address }) })).code, 200)
    ui.child.kill(signal)
    t.match(await ui.ended, { code: 0 })
    await t.rejects(visit(port, '/ui/'), { code: 'ECONNREFUSED' })
  })
}

t.test('what cannot be', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => taken.on('listening', resolve))
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' ? address?.port : 0
  t.match(await run(['ui', `--port=${port}`], env), { code: 1, out: '', err: /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n.*Choose another --port/ })
  for (const wrong of ['x', '-1', '65536', '1.5', '']) t.match(await run(['ui', `--port=${wrong}`], env), { code: 2, err: /--port/ }, wrong)
  t.match(await run(['ui', 'vm1'], env), { code: 2, err: /unexpected argument 'vm1'/ })
  t.match(await run(['ui', `--socket=${lab.socket}.gone`]), { code: 5, err: /cannot be reached/ })
  t.match(await run(['help', 'ui']), { code: 0, out: /one browser.*ssh -t -L 9481/s })
})
