import type { Test } from 'tap'
import type { Daemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import type { KubernetesScene, Attachment, SceneVm, Storage } from '../system/kubernetes/scene.ts'
import type { VmiVolume, VolumeStatusEntry } from '../support/kubernetes/lab.ts'
import type { AgentAccount } from './agent-account.ts'
import type { Cases } from './case.ts'
import { API } from './cluster-api.ts'
import { LAUNCHER } from './cluster-launcher.ts'
import { PODS } from './cluster-pods.ts'
import { ROLE } from './cluster-role.ts'
import { VMI } from './cluster-vmi.ts'

/** Phases that nothing but the agent ends. */
const HELD: readonly string[] = ['MountedToPod', 'Ready']

/** What all cases on a cluster's node share: an API server, one VM `vm1` in its launcher, the agent with an account of its own. */
export class Cluster {
  readonly scene: KubernetesScene
  readonly vm: SceneVm
  readonly account: AgentAccount
  #daemon: Daemon | null = null
  readonly #attachments = new Map<string, Attachment[]>()

  constructor({ scene, vm, account }: Pick<Cluster, 'scene' | 'vm' | 'account'>) {
    this.scene = scene
    this.vm = vm
    this.account = account
  }

  /** The spec of the VMI asks for it too. At the end of the test it is out of spec, guest and status, its attachment pods gone. */
  async want(t: Test, volume: VmiVolume): Promise<void> {
    t.teardown(() => this.#end(volume.name))
    await this.vm.controller.plug(volume)
  }

  /** The same, up to a ready attachment pod that the status names. */
  async plug(t: Test, storage: Storage, disk: VmiVolume['disk'] = {}): Promise<Attachment> {
    await this.want(t, { name: storage.name, disk })
    return this.attach(storage)
  }

  /** A ready attachment pod for what is wanted. */
  async attach(storage: Storage): Promise<Attachment> {
    const attachment = await this.scene.attach(this.vm, [storage])
    this.#attachments.set(storage.name, [...(this.#attachments.get(storage.name) ?? []), attachment])
    await this.scene.nameAttachment(this.vm, [storage], attachment)
    return attachment
  }

  /** Starts the agent (again). A VM without one of its sources is shut down after ten minutes, unless the flags say otherwise. */
  async restart(...flags: readonly string[]): Promise<void> {
    await this.#daemon?.stop()
    this.#daemon = await this.scene.startAgent({ flags: ['--kubeconfig', this.account.kubeconfig, '--source-lost-policy', 'Stop', '--source-lost-grace', '10m', ...flags] })
  }

  /** Waits until explain has these words. */
  async says(volume: string, words: RegExp): Promise<void> {
    await until(`explain of ${volume} to say ${words}`, async () => {
      const { text } = await this.scene.daemon.call('GET', `/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/${this.vm.name}/volumes/${volume}/explain`)
      if (words.test(text)) return true
      throw new Error(text)
    })
  }

  /** Writes anything into the status of the VMI, and takes it back at the end of the test. */
  async status(t: Test, fields: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>>): Promise<void> {
    t.teardown(() => this.vm.controller.status(before))
    await this.vm.controller.status(fields)
  }

  /** What the cluster is told: in the status of the VMI, whose phase stays, and by a Warning Event. */
  async isTold(t: Test, volume: string, reason: string): Promise<VolumeStatusEntry> {
    const entry = await this.scene.reason(this.vm, volume, reason)
    await until(`a Warning Event of ${reason}`, async () => (await this.#warnings()).some((told) => told.reason === reason && told.message.includes(volume)))
    t.ok(entry.message, 'with words')
    return entry
  }

  async #warnings(): Promise<{ readonly reason: string; readonly message: string }[]> {
    const events = await this.scene.server.list('v1', 'Event', 'default', 'fieldSelector=type=Warning')
    return events.map(({ reason, message }) => ({ reason: String(reason), message: String(message) }))
  }

  async #end(volume: string): Promise<void> {
    const { controller, name } = this.vm
    await controller.unplug(volume)
    await until(`${volume} to be released`, async () => !HELD.includes((await controller.entry(volume))?.phase ?? ''))
    await controller.drop(volume)
    await this.scene.daemon.gone(name, volume)
    for (const attachment of this.#attachments.get(volume) ?? []) await this.#endAttachment(attachment)
    this.#attachments.delete(volume)
  }

  async #endAttachment({ object, pod }: Attachment): Promise<void> {
    if (await this.scene.server.find(object)) await this.scene.server.delete(object, { gracePeriodSeconds: 0 })
    await pod.delete()
  }
}

/** Every case of an agent on a cluster's node. */
export const CLUSTER = { ...PODS, ...LAUNCHER, ...API, ...ROLE, ...VMI } satisfies Cases<Cluster>
