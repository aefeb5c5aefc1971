import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import tap from 'tap'
import { startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { expectedOf, key, makeDirectory, makeImage, openRig, planOf, reasonOf, remove, NAMESPACE } from './rig.ts'

const host = await startLibvirtHost(tap)
const vm = key(await startPausedDomain(host, { name: 'vm1' }))
const directory = await makeDirectory(tap)
const path = await makeImage(directory)

void tap.test('a killed daemon is noticed and reconnected to, with its events', async (t) => {
  const rig = openRig(t, host.uri)
  await rig.up()
  await host.kill9()
  await until('the loss', () => rig.domains.connection(NAMESPACE)?.up === false)
  t.equal(await reasonOf(rig.domains.observe(vm)), 'LibvirtUnavailable')
  t.equal(await reasonOf(rig.domains.attach(vm, planOf(path))), 'LibvirtUnavailable', 'not begun')
  await host.restart()
  await rig.up()
  const plan = planOf(path)
  t.same(await rig.domains.attach(vm, plan), { kind: 'done' })
  await remove(rig, vm, plan)
  await rig.told(`disk-removed ${vm} ua-data`)
  const ups = rig.events.filter((event) => event.startsWith('connection true'))
  t.equal(ups.length, 2, 'told once each time')
  t.match(rig.events.filter((event) => event.startsWith('connection false')), [/closed|error/], 'and why it was lost')
})

void tap.test('a call in flight when the daemon is killed is uncertain, and over', async (t) => {
  const rig = openRig(t, host.uri)
  await rig.up()
  const pid = (await rig.domains.observe(vm))?.process?.pid as number
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  const call = rig.domains.attach(vm, planOf(path, 'cut', 1))
  const size = reasonOf(rig.domains.capacityBytes(vm, 'sda'))
  await sleep(200) // time to get as far as QEMU; whatever it reached, the outcome must be the same
  await host.kill9()
  const outcome = await call
  t.match(outcome, { kind: 'uncertain' })
  if (outcome.kind === 'uncertain') await outcome.settled
  t.equal(await size, 'LibvirtUnavailable')
  process.kill(pid, 'SIGCONT')
  await host.restart()
  await rig.up()
  t.match(await rig.domains.observe(vm), { state: 'paused', process: { pid } }, 'the domain outlived the daemon')
})

void tap.test('a daemon that is stopped is lost by its keepalives, and found again', async (t) => {
  const rig = openRig(t, host.uri, { keepAliveIntervalS: 1, keepAliveCount: 1, callDeadlineMs: 1_000 })
  await rig.up()
  host.signal('SIGSTOP')
  t.teardown(() => host.signal('SIGCONT'))
  t.equal(await reasonOf(rig.domains.observe(vm)), 'LibvirtUnavailable', 'reads have a deadline')
  t.match(await rig.domains.requestDetach(vm, expectedOf(planOf(path))).catch(() => ({ kind: 'uncertain' })), { kind: 'uncertain' })
  await until('the loss', () => rig.domains.connection(NAMESPACE)?.up === false)
  await until('a reason', () => rig.domains.connection(NAMESPACE)?.why === 'libvirt does not answer')
  host.signal('SIGCONT')
  await rig.up()
  t.match(await rig.domains.observe(vm), { state: 'paused' })
})

void tap.test('no daemon at all: said once, tried for ever', async (t) => {
  const nowhere = `qemu+unix:///session?socket=${directory}/none`
  const rig = openRig(t, nowhere)
  await until('a reason', () => /No such file/.test(rig.domains.connection(NAMESPACE)?.why ?? ''))
  await symlink(host.socketPath, `${directory}/none`)
  await rig.up()
  t.same(await rig.domains.list(NAMESPACE), [vm])
  t.equal(rig.events.filter((event) => event.startsWith('connection false')).length, 1)
})

void tap.test('a socket whose path is longer than a socket address', async (t) => {
  const deep = join(directory, 'x'.repeat(100), 'y'.repeat(100))
  await mkdir(deep, { recursive: true })
  await symlink(host.socketPath, join(deep, 'sock'))
  const rig = openRig(t, `qemu+unix:///session?socket=${join(deep, 'sock')}`)
  await rig.up()
  t.same(await rig.domains.list(NAMESPACE), [vm])
})

void tap.test('namespaces that are not configured', async (t) => {
  const rig = openRig(t, host.uri)
  t.equal(rig.domains.connection('elsewhere'), null)
  t.same(rig.domains.hypervisors(), [NAMESPACE])
  t.equal(await reasonOf(rig.domains.list('elsewhere')), 'UnknownNamespace')
})
