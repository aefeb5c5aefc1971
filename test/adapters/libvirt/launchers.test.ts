import { open, readFile, stat } from 'node:fs/promises'
import tap from 'tap'
import { createLauncherDomains } from '../../../src/adapters/libvirt/domains.ts'
import type { LauncherNode } from '../../../src/adapters/libvirt/launcher.ts'
import { vmKey, type VmKey } from '../../../src/model/ids.ts'
import type { LauncherPod } from '../../../src/model/pods.ts'
import type { Pods } from '../../../src/ports/pods.ts'
import { type LibvirtHost, startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { COMMON, expectedOf, makeDirectory, makeImage, planOf, reasonOf, type Rig, rigOf } from './rig.ts'

const host = await startLibvirtHost(tap)
await startPausedDomain(host, { name: 'default_vm1' })
await startPausedDomain(host, { name: 'default_other' })
const path = await makeImage(await makeDirectory(tap))
const VM = vmKey({ namespace: 'default', name: 'vm1' })

/** Pods as the API server tells them, changed by the test. */
class PlayedPods implements Pods {
  readonly launchers = new Map<VmKey, LauncherPod>()
  known = true
  #listener: (vm: VmKey | null) => void = () => {}
  launcher = (vm: VmKey) => this.launchers.get(vm) ?? null
  attachments = () => []
  vms = () => (this.known ? [...this.launchers.keys()] : null)
  watch(listener: (vm: VmKey | null) => void): () => void {
    this.#listener = listener
    return () => (this.#listener = () => {})
  }
  set(vm: VmKey, uid: string | null): void {
    if (uid === null) this.launchers.delete(vm)
    else this.launchers.set(vm, { uid, namespace: 'default', name: `virt-launcher-${uid}`, vmiUid: 'v1', terminating: false })
    this.#listener(vm)
  }
  tellAll(): void {
    this.known = true
    this.#listener(null)
  }
}

/** A launcher whose libvirt is the lab's: its socket held open as in life. */
class PlayedNode implements LauncherNode {
  readonly #host: LibvirtHost
  opened = 0
  closed = 0
  ended = false
  constructor(host: LibvirtHost) {
    this.#host = host
  }
  async openSocket() {
    if (this.ended) throw new Error('no such process')
    const { ino } = await stat(this.#host.socketPath)
    const file = await open(this.#host.socketPath, 0x200000) // O_PATH
    this.opened++
    const close = () => {
      this.closed++
      void file.close()
    }
    return { uri: `qemu+unix:///session?socket=/proc/self/fd/${file.fd}`, id: String(ino), close }
  }
  async processes() {
    if (this.ended) return []
    const file = `${this.#host.root}/run/libvirt/qemu/default_vm1.pid`
    return [this.#host.pid, Number(await readFile(file, 'utf8'))]
  }
}

function launchers(t: Parameters<typeof rigOf>[0]): { rig: Rig; pods: PlayedPods; node: PlayedNode } {
  const pods = new PlayedPods()
  const node = new PlayedNode(host)
  const domains = createLauncherDomains({ ...COMMON, keepAliveIntervalS: 5, keepAliveCount: 3, pods, node })
  return { rig: rigOf(t, domains, VM), pods, node }
}

void tap.test('the libvirt of a launcher that comes is found, and its VM under its own key; others are nobody', async (t) => {
  const { rig, pods, node } = launchers(t)
  t.same(rig.domains.hypervisors(), [])
  t.equal(await rig.domains.observe(VM), null, 'no launcher is certainly no domain')
  t.match(rig.domains.connection(VM), { up: true, why: /no launcher/ })
  pods.set(VM, 'l1')
  await rig.up()
  t.same(await rig.domains.list(VM), [VM])
  const view = await rig.domains.observe(VM)
  t.equal(view?.process?.pid, (await node.processes())[1], 'its QEMU is proven among the processes of the pod')
  t.same(await rig.domains.attach(VM, planOf(path)), { kind: 'done' })
  await rig.told(`disk-added ${VM} ua-data`)
  t.same(await rig.domains.requestDetach(VM, expectedOf(planOf(path))), { kind: 'done' })
  await rig.told(`disk-removed ${VM} ua-data`)
})

void tap.test('a daemon that was restarted is found by its new socket', async (t) => {
  const { rig, pods, node } = launchers(t)
  pods.set(VM, 'l1')
  await rig.up()
  await host.kill9()
  await until('the loss', () => rig.domains.connection(VM)?.up === false)
  t.equal(await reasonOf(rig.domains.observe(VM)), 'LibvirtUnavailable')
  await host.restart()
  await rig.up()
  t.match(await rig.domains.observe(VM), { state: 'paused' })
  t.ok(node.opened >= 2)
  t.equal(node.opened - node.closed, 1, 'only the present socket is held')
})

void tap.test('a launcher of which nothing runs any more has no domain; nor has one whose pod is gone', async (t) => {
  const { rig, pods, node } = launchers(t)
  pods.set(VM, 'l1')
  await rig.up()
  node.ended = true
  await host.kill9()
  await until('the end', () => rig.domains.hypervisors()?.length === 0)
  t.equal(await rig.domains.observe(VM), null)
  node.ended = false
  await host.restart()
  await rig.up()
  t.match(await until('the domain again', () => rig.domains.observe(VM).catch(() => null)), { state: 'paused' })
  pods.set(VM, null)
  t.equal(await rig.domains.observe(VM), null)
  await until('no socket left open', () => node.opened === node.closed)
})

void tap.test('nothing is known before the pods were listed; another launcher is another libvirt', async (t) => {
  const { rig, pods } = launchers(t)
  pods.known = false
  t.equal(rig.domains.hypervisors(), null)
  t.equal(await reasonOf(rig.domains.observe(VM)), 'LibvirtUnavailable')
  pods.set(VM, 'l1')
  pods.tellAll()
  await rig.up()
  const ups = rig.events.filter((event) => event.startsWith('connection true')).length
  pods.set(VM, 'l2')
  await until('the new one', () => rig.events.filter((event) => event.startsWith('connection true')).length > ups)
  t.match(await rig.domains.observe(VM), { state: 'paused' })
})
