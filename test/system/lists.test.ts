import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import t from 'tap'
import { PROJECT, until } from '../support/lab.ts'
import { writeManifest } from './manifest.ts'
import { ctl, makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)

t.test('every disk of the domain is listed, hot-plugged or not', async (t) => {
  await host.virsh('attach-disk', 'vm1', await image('foreign'), 'sdf', '--live', '--targetbus', 'scsi', '--driver', 'qemu', '--serial', 'FOREIGN')
  await plug(daemon, 'vm1', 'data', await image('data'), '--serial=DATA')
  const table = await ctl(daemon, 'get', 'volumes', 'vm1')
  t.match(table, /^NAME +PHASE +TARGET +SERIAL +SIZE +AGE +REASON\ndata +Ready +sda +DATA +1Mi +\d+s +VolumeReady\nsdf +- +sdf +FOREIGN /)
  t.match(await ctl(daemon, 'get', 'vms'), /^NAME +STATUS +DISKS +HOTPLUGGED READY +REASON\nvm1 +Running +2 +1\/1/)
  await host.virsh('detach-disk', 'vm1', 'sdf', '--live')
  await guest.waitForDisks(['DATA'])
})

t.test('as JSON: objects with KubeVirt’s names, conditions and stages', async (t) => {
  const list = JSON.parse(await ctl(daemon, 'get', 'vmis', '-o', 'json')) as { items: [{ status: { volumeStatus: [{ stages: { name: string }[] }] } }] }
  const condition = (type: string) => ({ type, status: 'True', reason: String, message: String, lastTransitionTime: String })
  t.match(list, {
    kind: 'VirtualMachineInstanceList',
    items: [{
      kind: 'VirtualMachineInstance',
      metadata: { name: 'vm1', namespace: 'default' },
      spec: { volumes: [{ name: 'data', local: { path: join(directory, 'data'), format: 'raw' } }], domain: { devices: { disks: [{ name: 'data', disk: { bus: 'scsi' }, serial: 'DATA' }] } } },
      status: {
        phase: 'Running',
        volumeStatus: [{ name: 'data', target: 'sda', phase: 'Ready', reason: 'VolumeReady', message: 'Successfully attach hotplugged volume data to VM', hotplugVolume: {}, conditions: ['SourceReady', 'Exposed', 'Attached', 'Ready'].map(condition) }],
      },
    }],
  })
  t.same(list.items[0].status.volumeStatus[0].stages.map(({ name }) => name), ['discovered', 'exposed', 'attached', 'reported'])
  t.match(await ctl(daemon, 'get', 'volumes', '-o', 'yaml'), /kind: VirtualMachineInstanceList[^]*phase: Ready/)
})

t.test('get volumes --watch tells each change', async (t) => {
  const watch = spawn(process.execPath, [join(PROJECT, 'out/src/cli/main.js'), 'get', 'volumes', 'vm1', '--watch'], { env: { ...process.env, HOTPLUGD_SOCKET: daemon.socket }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => watch.kill())
  const lines: string[] = []
  createInterface(watch.stdout).on('line', (line) => lines.push(line))
  await until('the present state', () => lines.some((line) => /^data +Ready/.test(line)))
  await plug(daemon, 'vm1', 'more', await image('more'))
  await until('the new volume', () => lines.some((line) => /^more +Ready +sdb/.test(line)))
  await unplug(daemon, 'vm1', 'more')
  await until('its end', () => lines.some((line) => /^more +Gone/.test(line)))
})

t.test('--wait shows the stages as they pass', async (t) => {
  const source = await image('waited')
  t.match(
    await ctl(daemon, 'addvolume', 'vm1', '--volume-name=waited', `--source=${source}`, '--wait'),
    /^Successfully submitted add volume request to VM vm1 for volume waited\n( {2}(discovered|exposed|attached|reported) +[\d.]+ ms\n){4}Volume waited is in the guest as sdb, serial waited \([\d.]+ ms\)\n$/,
  )
  t.match(
    await ctl(daemon, 'removevolume', 'vm1', '--volume-name=waited', '--wait'),
    /^Successfully submitted remove volume request to VM vm1 for volume waited\n( {2}(detached|released|reported) +[\d.]+ ms\n)*Volume waited is out of the guest and released\n$/,
  )
})

t.test('describe and explain, of what is well', async (t) => {
  const described = await ctl(daemon, 'describe', 'volume', 'vm1', 'data')
  for (const line of [/^Name: +data$/m, /^VM: +default\/vm1$/m, /^Phase: +Ready \(for \d+\w\)$/m, /^Target: +sda$/m, /^Serial: +DATA$/m, /^Size: +1Mi \(1048576 bytes\)$/m, /^Persisted: +no$/m, /^ {2}Attached +True +DiskListed /m, /^ {2}attached +\S+Z +[\d.]+$/m]) t.match(described, line)
  const explained = await ctl(daemon, 'why', 'vm1', 'data')
  t.match(explained, /^data is in the guest as sda, serial DATA\.\n {2}Reason: +VolumeReady\n/)
  t.match(explained, `Wanted:           ${join(directory, 'data')} (raw) with serial DATA, asked for by a request.`)
  t.match(explained, /Next: +Nothing: all is as wanted\./)
  t.match(explained, /qemuPid: +\d+/)
})

t.test('explain, of what a source keeps out: cause, remedy, and what happens next', async (t) => {
  await writeManifest(daemon, 'vm1', { late: join(directory, 'late'), twin: join(directory, 'data') })
  await daemon.reason('vm1', 'late', 'SourceMissing')
  await daemon.reason('vm1', 'twin', 'SourceInUse')
  t.match(await ctl(daemon, 'explain', 'vm1', 'late'), /^late is not in the guest: \S+late does not exist[^]*Remedy: +Create the device or image[^]*asked for by manifest \S+vm1\.yaml\.[^]*Reached: +no stage yet[^]*Next: +plug is tried again in [\d.]+ s/)
  t.match(await ctl(daemon, 'explain', 'vm1', 'twin'), /^twin is not in the guest: \S+data \(file \S+ inode \d+\) is in use by volume data of default\/vm1[^]*Remedy: +Remove it from the VM that holds it/)
  t.match(JSON.parse(await ctl(daemon, 'explain', 'vm1', 'late', '-o', 'json')), { reason: 'SourceMissing', remedy: /^Create/, evidence: { path: join(directory, 'late') } })
  t.match(await ctl(daemon, 'get', 'volumes', 'vm1'), /late +Pending +- +late +- +\d+s +SourceMissing/)
  t.match(await ctl(daemon, 'describe', 'volume', 'vm1', 'late'), /^Remedy: +Create the device or image[^]*SourceReady +False +SourceMissing/m)
})

t.test('the engine’s state as JSON', async (t) => {
  const { body } = await daemon.call('GET', '/debug/state')
  t.match(body, { desired: [{}, {}, {}], actual: [{}, {}, {}], operations: [], journal: [{ key: { volume: 'data' }, step: 'plugged' }], history: [{}], sources: [{ origin: 'request', synced: true }, { origin: 'manifest', synced: true }] })
})

t.test('metrics and probes', async (t) => {
  const { status, text } = await daemon.call('GET', '/metrics')
  t.equal(status, 200)
  t.match(text, /^hotplugd_volumes\{phase="Ready",reason="VolumeReady"\} 1$/m)
})
