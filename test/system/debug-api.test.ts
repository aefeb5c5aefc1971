import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { validators, type OpenApi, type Told } from '../http/answer-validator.ts'
import { until } from '../support/lab.ts'
import { ctl, makeDirectory, makeImage, plug, startScene, unplug } from './user-scene.ts'

const { daemon } = await startScene(t, { daemon: { flags: ['--log-level', 'info'] } })
const missing = join(await makeDirectory(t), 'missing')
await plug(daemon, 'vm1', 'data', await makeImage(t))
await daemon.add('vm1', 'late', missing) // refused: it is not there
const image = await makeImage(t)

const document = (await daemon.call('GET', '/openapi.json')).body as OpenApi
const judge = validators(document)
const VM = '/apis/kubevirt.io/v1/namespaces/{ns}/virtualmachineinstances/{name}'
const VOLUME = '/apis/hotplugd.io/v1/namespaces/{ns}/virtualmachineinstances/{name}/volumes/{volume}'
const ADD = '/apis/subresources.kubevirt.io/v1/namespaces/{ns}/virtualmachineinstances/{name}/addvolume'
const HERE = { ns: 'default', name: 'vm1', volume: 'data' }

/** One real answer, whole, or of a watch what came up to the mark. */
function ask(method: string, path: string, body?: unknown): Promise<Told> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: daemon.socket, method, path, headers: text === undefined ? {} : { 'content-type': 'application/json' }, agent: false }, (answer) => {
      let said = ''
      const end = (): void => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text: said })
      answer.setEncoding('utf8').on('data', (chunk) => {
        said += chunk
        if (!path.includes('watch=true') || !said.includes('initial-events-end')) return
        end()
        outgoing.destroy()
      })
      answer.on('end', end).on('error', () => undefined)
    })
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

const filled = (template: string, values: Readonly<Record<string, string>> = HERE): string => template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')

t.test('every GET of the document answers as it says', async (t) => {
  const gets = Object.entries(document.paths).flatMap(([path, methods]) => (methods['get'] === undefined ? [] : [path]))
  t.ok(gets.length > 12)
  for (const path of gets) {
    const told = await ask('GET', filled(path))
    t.equal(told.status, 200, path)
    t.same(judge.answer('GET', path, told), [], path)
  }
  t.same(judge.answer('GET', '/readyz', await ask('GET', '/readyz?verbose')), [])
})

t.test('each line of a watch is as the document says', async (t) => {
  for (const [path, query] of [['/apis/kubevirt.io/v1/virtualmachineinstances', '?watch=true'], ['/apis/kubevirt.io/v1/namespaces/{ns}/virtualmachineinstances', '?watch=true&fieldSelector=metadata.name%3Dvm1'], [VOLUME, '?watch=true']] as const) {
    const told = await ask('GET', filled(path) + query)
    const lines = told.text.trimEnd().split('\n')
    t.equal(lines.length, 2, 'what is there, and the mark')
    for (const text of lines) t.same(judge.answer('GET', path, { ...told, text }), [], `${path}${query}`)
  }
})

t.test('changes, and every kind of refusal', async (t) => {
  const body = { name: 'more', disk: { disk: { bus: 'scsi' }, serial: 'MORE', cache: 'none' }, volumeSource: { local: { path: image, format: 'raw' } }, dryRun: ['All'] }
  t.same(judge.body('PUT', ADD, body), [])
  const cases: [number, string, string, unknown][] = [
    [202, 'PUT', ADD, body],
    [202, 'PUT', ADD.replace('instances', 's'), body],
    [400, 'PUT', ADD, { ...body, name: undefined }],
    [400, 'PUT', ADD, { ...body, volumeSource: { local: { path: missing } } }],
    [400, 'PUT', ADD, { ...body, disk: { lun: {} } }],
    [400, 'PUT', ADD, '{"name":'],
    [413, 'PUT', ADD, 'x'.repeat(100_000)],
    [409, 'PUT', ADD, { ...body, name: 'data' }],
    [409, 'PUT', ADD.replace('addvolume', 'removevolume'), { name: 'nope' }],
    [404, 'GET', VM, undefined],
    [404, 'GET', VOLUME, undefined],
    [404, 'GET', `${VOLUME}/explain`, undefined],
    [400, 'PUT', '/debug/log-level', { level: 'loud' }],
    [400, 'PUT', '/debug/log-level', {}],
  ]
  for (const [code, method, path, sent] of cases) {
    const told = await ask(method, filled(path, method === 'GET' ? { ...HERE, name: 'vm9' } : HERE), sent)
    t.equal(told.status, code, `${method} ${path} ${told.text}`)
    t.same(judge.answer(method, path, told), [], told.text)
  }
  t.not(judge.body('PUT', ADD, { ...body, colour: 'red' }).length, 0, 'the document is strict')
})

t.test('/debug/ lists what there is, and the state is whole', async (t) => {
  const { pages } = JSON.parse((await ask('GET', '/debug/')).text)
  t.same(pages.map((page: { path: string }) => page.path).sort(), Object.keys(document.paths).flatMap((path) => (path.startsWith('/debug/') ? Object.keys(document.paths[path] ?? {}).map(() => path) : [])).sort())
  const state = JSON.parse((await ask('GET', '/debug/state')).text)
  t.match(state, {
    role: null,
    vms: [{ vm: 'default/vm1', reachable: true, domain: { uuid: /./, state: 'running', process: { pid: Number }, disks: Array } }],
    desired: [{ vm: 'default/vm1', name: 'data' }],
    actual: [{ id: 'default/vm1/data', kind: 'plugged', record: { step: 'plugged' } }],
    plan: [{ id: 'default/vm1/data', do: 'rest', acting: null }],
    journal: [{ key: { volume: 'data' } }], journalDoubts: [], operations: [], queues: [],
    connections: [{ hypervisor: 'default', read: true }],
  })
  t.match(state.holders.find((one: { id: string }) => one.id === 'default/vm1/data'), { same: [/^i:/] })
  t.ok(state.history.some((entry: { event: string; durationMs: number }) => entry.event === 'attached' && entry.durationMs > 0), 'history with timings')
  t.match(JSON.parse((await ask('GET', '/debug/process')).text), { pid: daemon.pid, mode: 'standalone', node: process.version })
  const { options } = JSON.parse((await ask('GET', '/debug/config')).text)
  t.match(options.find((one: { name: string }) => one.name === 'log-level'), { values: ['info'], from: 'flag --log-level' })
  t.match(options.find((one: { name: string }) => one.name === 'hotplug'), { values: ['true'], from: 'default' })
})

t.test('the log level at run time', async (t) => {
  const recent = async (): Promise<string> => (await ask('GET', '/debug/log')).text
  t.notMatch(await recent(), /"level":"debug"/)
  t.match(await recent(), /"msg":"hotplugd started"/, 'what was logged can be read')
  t.equal(await ctl(daemon, 'log-level'), 'info\n')
  t.equal(await ctl(daemon, 'log-level', 'debug'), 'debug\n')
  await plug(daemon, 'vm1', 'more', image)
  await until('a debug line', async () => /"level":"debug".*"volume":"more".*"msg":"stage passed"/.test(await recent()))
  await until('it where the log goes, too', async () => /"level":"debug".*"msg":"stage passed"/.test(await daemon.log()))
  t.match(await recent(), /"level":"info".*"uid":0,"before":"info","now":"debug","msg":"log level changed"/)
  t.equal(await ctl(daemon, 'log-level', 'error'), 'error\n')
  const before = await recent()
  await unplug(daemon, 'vm1', 'more')
  t.equal(await recent(), before, 'and now it is quiet')
  t.match(await daemon.ctl('log-level', 'deubg'), { exitCode: 2, stderr: /found 'deubg' \(did you mean debug\?\), allowed: trace, debug, info/ })
  t.match(JSON.parse((await ask('PUT', '/debug/log-level', { level: 'loud' })).text), { code: 400, message: "LogLevel.level: found 'loud', allowed: trace, debug, info, warn, error, fatal, silent" })
})
