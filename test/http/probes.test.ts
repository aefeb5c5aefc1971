import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { Counter, Registry } from 'prom-client'
import { createProbeServer } from '../../src/http/probe-server.ts'
import { FakeAgent } from './fake-agent.ts'
import { call, silent, startLab, until } from './lab.ts'

const agent = new FakeAgent()
const registry = new Registry()
new Counter({ name: 'hotplugd_test_total', help: 'x', registers: [registry] }).inc()
const server = await createProbeServer({ agent, log: silent, registry, listen: { host: '127.0.0.1', port: 0 }, limits: { connectionsOfProbes: 8 } })
t.teardown(() => server.close())
const [host = '', port = ''] = server.address.split(':')

function fetchText(path: string, headers: Record<string, string> = {}): Promise<{ code: number; text: string; type: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path, headers, agent: false }, response => {
      let text = ''
      response.on('data', chunk => (text += chunk))
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text, type: response.headers['content-type'] ?? '' }))
    })
    request.on('error', reject)
  })
}

t.test('alive, ready, metrics: without a token, with any Host', async t => {
  const host = { host: 'attacker.example' }
  t.match(await fetchText('/livez', host), { code: 200, text: 'ok\n' })
  t.match(await fetchText('/healthz', host), { code: 200, text: 'ok\n' })
  t.match(await fetchText('/readyz', host), { code: 200, text: 'ok\n' })
  t.match(await fetchText('/metrics', host), { code: 200, text: /hotplugd_test_total 1/, type: /^text\/plain/ })
})

t.test('ready says what is missing, and stays alive', async t => {
  agent.checks = [{ name: 'manifests', ok: true, message: '' }, { name: 'libvirt:default', ok: false, message: 'no connection to qemu:///system' }]
  t.match(await fetchText('/readyz'), { code: 503, text: '[+]manifests ok\n[-]libvirt:default: no connection to qemu:///system\nreadyz check failed\n' })
  t.equal((await fetchText('/livez')).code, 200)
  agent.checks = [{ name: 'manifests', ok: true, message: '' }]
  t.match(await fetchText('/readyz?verbose'), { code: 200, text: '[+]manifests ok\nreadyz check passed\n' })
})

t.test('what is wrong and keeps nobody waiting is said to who asks, and does not make it unready', async t => {
  agent.checks = [{ name: 'desired-state', ok: true, message: '', warnings: ['/vms.d/a.yaml:3:1: kind is missing'] }]
  t.match(await fetchText('/readyz?verbose'), { code: 200, text: '[+]desired-state ok\n[!]desired-state: /vms.d/a.yaml:3:1: kind is missing\nreadyz check passed\n' })
  t.match(await fetchText('/readyz'), { code: 200, text: 'ok\n' })
  agent.checks = []
})

t.test('nothing else is there', async t => {
  for (const path of ['/debug/state', '/version', '/apis/kubevirt.io/v1/virtualmachineinstances', '/']) t.equal((await fetchText(path)).code, 404, path)
})

t.test('idle connections by the hundred do not keep a probe out', async t => {
  const idle: Socket[] = []
  t.teardown(() => idle.forEach(socket => socket.destroy()))
  let closed = 0
  for (let count = 0; count < 200; count++) {
    const socket = connect(Number(port), host)
    socket.on('error', () => undefined).on('close', () => closed++)
    idle.push(socket)
  }
  await until('all but the newest are closed', () => closed >= 192)
  t.equal((await fetchText('/livez')).code, 200)
})

t.test('a port that is taken', async t => {
  await t.rejects(createProbeServer({ agent, log: silent, registry, listen: { host, port: Number(port) } }), { message: /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/ })
})

t.test('the local socket answers probes as well', async t => {
  const lab = await startLab({ registry })
  t.teardown(() => lab.close())
  for (const path of ['/livez', '/healthz', '/readyz', '/metrics']) t.equal((await call(lab.socket, path)).code, 200, path)
})
