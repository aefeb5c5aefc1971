import tap from 'tap'
import type { DiskPlan } from '../../../src/model/disk.ts'
import type { CallOutcome } from '../../../src/ports/domains.ts'
import { startLibvirtHost, startPausedDomain, until, type Teardown } from '../../support/lab.ts'
import { expectedOf, key, makeDirectory, makeImage, openRig, planOf, reasonOf, remove } from './rig.ts'

const host = await startLibvirtHost(tap)
const directory = await makeDirectory(tap)
const path = await makeImage(directory)

/** Stops the QEMU of a domain; the returned function lets it go on. */
async function stopQemu(t: Teardown, rig: ReturnType<typeof openRig>, name: string): Promise<() => void> {
  const view = await rig.domains.observe(key(name))
  const pid = view?.process?.pid
  if (pid === undefined) throw new Error(`no QEMU of ${name}`)
  process.kill(pid, 'SIGSTOP')
  let stopped = true
  const resume = () => {
    if (stopped) process.kill(pid, 'SIGCONT')
    stopped = false
  }
  t.teardown(resume)
  return resume
}

function uncertain(outcome: CallOutcome): Promise<void> {
  if (outcome.kind !== 'uncertain') throw new Error(`expected an uncertain outcome: ${JSON.stringify(outcome)}`)
  return outcome.settled
}

void tap.test('a QEMU that does not answer: uncertain at the deadline, settled when the call has ended', async (t) => {
  const vm = key(await startPausedDomain(host, { name: 'slow' }))
  const rig = openRig(t, host.uri, { callDeadlineMs: 500 })
  await rig.up()
  const resume = await stopQemu(t, rig, 'slow')
  const plan = planOf(path)
  let ended = false
  const settled = uncertain(await rig.domains.attach(vm, plan)).then(() => (ended = true))
  t.match(await rig.domains.attach(vm, planOf(path, 'second', 1)), { kind: 'refused', code: 'HOTPLUGD_BUSY' }, 'the domain is still taken')
  t.equal(await reasonOf(rig.domains.capacityBytes(vm, 'sda')), 'OutcomeUncertain')
  t.match(await rig.domains.observe(vm), { state: 'paused' }, 'reading goes on')
  t.equal(await rig.domains.liveDisk(vm, 'ua-second'), null)
  t.equal(ended, false)
  resume()
  await settled
  t.match(await rig.domains.liveDisk(vm, plan.alias), { serial: 'data' }, 'it was carried out after all')
  t.equal(await rig.domains.liveDisk(vm, 'ua-second'), null, 'what was refused was not')
  await remove(rig, vm, plan)
})

void tap.test('a call that waits for its turn gets it when the call before it has ended', async (t) => {
  const vm = key('slow')
  const patient = openRig(t, host.uri)
  await patient.up()
  const resume = await stopQemu(t, patient, 'slow')
  const first = patient.domains.attach(vm, planOf(path, 'one', 1))
  const second = patient.domains.capacityBytes(vm, 'sdb')
  resume()
  t.same(await first, { kind: 'done' })
  t.equal(await second, 1 << 20, 'in the order in which they were asked for')
  await remove(patient, vm, planOf(path, 'one', 1))
})

void tap.test('six domains of one libvirt stuck at once do not hold up a seventh', async (t) => {
  const rig = openRig(t, host.uri, { callDeadlineMs: 30_000 })
  await rig.up()
  const stuck = ['s1', 's2', 's3', 's4', 's5', 's6']
  for (const name of stuck) await startPausedDomain(host, { name })
  const seventh = key(await startPausedDomain(host, { name: 's7' }))
  const resumes = await Promise.all(stuck.map((name) => stopQemu(t, rig, name)))
  let ended = 0
  const plans = await Promise.all(stuck.map(async (name) => planOf(await makeImage(directory, `${name}.img`))))
  const attaches = stuck.map((name, i) => rig.domains.attach(key(name), plans[i] as DiskPlan).finally(() => ended++))
  const plan = planOf(path)
  t.same(await rig.domains.attach(seventh, plan), { kind: 'done' })
  t.match(await rig.domains.observe(key('s1')), { state: 'paused' }, 'the stuck ones can be read')
  await remove(rig, seventh, plan)
  t.equal(ended, 0, 'while all six were stuck')
  for (const resume of resumes) resume()
  t.same(await Promise.all(attaches), stuck.map(() => ({ kind: 'done' })))
  for (const [i, name] of stuck.entries()) await remove(rig, key(name), plans[i] as DiskPlan)
})

void tap.test('a detach that got stuck is asked for once', async (t) => {
  const vm = key('slow')
  const rig = openRig(t, host.uri, { callDeadlineMs: 500 })
  await rig.up()
  const plan = planOf(path, 'held', 2)
  t.same(await rig.domains.attach(vm, plan), { kind: 'done' })
  const resume = await stopQemu(t, rig, 'slow')
  const settled = uncertain(await rig.domains.requestDetach(vm, expectedOf(plan)))
  resume()
  await settled
  await until('the disk to go', async () => (await rig.domains.liveDisk(vm, plan.alias)) === null)
  t.ok(await rig.told(`disk-removed ${vm} ua-held`))
})
