import type { Test } from 'tap'
import type { Reason } from '../../src/errors.ts'
import type { KubeObject } from '../support/kubernetes/lab.ts'
import { type Cases, refuses, tells } from './case.ts'
import type { Cluster } from './cluster.ts'
import { becomes } from './virt-handler.ts'

const PATH = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1'
const GOES_ON = /^It goes on as soon as what it waits for happens/

/** A volume that waits for what nobody can see. */
async function waitsUnseen(t: Test, room: Cluster, volume: string, reason: Reason, why: string): Promise<void> {
  await room.says(volume, new RegExp(why))
  const cause = new RegExp(`^\\w+ cannot be read from the API server: .*${why}.*; when it was read last, the status has no entry for volume ${volume} yet$`)
  await tells(t, room.scene.daemon, volume, reason, { cause, next: GOES_ON })
}

/** A volume that is in the guest, of which the cluster cannot be told. */
async function isUntold(t: Test, room: Cluster, volume: string, reason: Reason, why: RegExp): Promise<void> {
  await room.plug(t, await room.scene.image(volume))
  await room.vm.launcher.guest.waitForDisk(volume)
  const { summary, reached } = await tells(t, room.scene.daemon, volume, reason, { cause: why, evidence: { target: 'sda' }, next: /^The status is written again within seconds/ })
  t.match(summary, new RegExp(`^${volume} is in the guest as sda, serial ${volume}; its status cannot be told: `))
  t.equal(reached, 'attached')
  t.match(await room.vm.controller.entry(volume), { phase: 'AttachedToNode' })
}

/** Refuses whatever the agent writes into a VMI. */
function policy(user: string): readonly KubeObject[] {
  const rule = { apiGroups: ['kubevirt.io'], apiVersions: ['*'], operations: ['UPDATE'], resources: ['virtualmachineinstances'] }
  const spec = { failurePolicy: 'Fail', matchConstraints: { resourceRules: [rule] }, matchConditions: [{ name: 'agent', expression: `request.userInfo.username == "${user}"` }], validations: [{ expression: 'false', message: 'not on a Sunday' }] }
  return [
    { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'sundays' }, spec },
    { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'sundays' }, spec: { policyName: 'sundays', validationActions: ['Deny'] } },
  ]
}

/** What the API server is the cause of. */
export const API = {
  ApiServerUnavailable: async (t, room) => {
    const { server } = room.scene
    await room.want(t, { name: 'unheard' })
    await room.says('unheard', /no entry/)
    t.teardown(() => server.start())
    await server.kill9()
    await waitsUnseen(t, room, 'unheard', 'ApiServerUnavailable', 'ECONNREFUSED')
  },

  ApiUnauthorized: async (t, room) => {
    const { daemon } = room.scene
    await room.want(t, { name: 'unnamed' })
    t.teardown(() => room.account.renew())
    await room.account.revoke()
    await room.scene.server.restart() // what it is in the middle of answering it would go on with
    await becomes(daemon, /role ok: companion, nothing is changed: .*401/)
    await room.says('unnamed', /ApiUnauthorized.*"code":503/s)
    const cause = /^the VirtualMachineInstances of this node were not read yet: .*the API server answered 401: Unauthorized$/
    await refuses(t, daemon, ['explain', 'vm1', 'unnamed'], 'ApiUnauthorized', { cause })
  },

  ApiForbidden: async (t, room) => {
    t.teardown(() => room.account.allow())
    await room.account.forbid('patch', 'virtualmachineinstances', PATH)
    await isUntold(t, room, 'untold', 'ApiForbidden', new RegExp(`PATCH ${PATH}: the API server answered 403: .*User "${room.account.user}" cannot patch resource "virtualmachineinstances"`))
  },

  ApiRefused: async (t, room) => {
    const objects = policy(room.account.user)
    t.teardown(async () => {
      for (const object of objects) await room.scene.server.delete(object)
    })
    for (const object of objects) await room.scene.server.create(object)
    await room.account.isAnswered(422, 'PATCH', PATH)
    await isUntold(t, room, 'refused', 'ApiRefused', /the API server refuses what is to be written: .*ValidatingAdmissionPolicy 'sundays' .*not on a Sunday/)
  },
} satisfies Cases<Cluster>
