import { access } from 'node:fs/promises'
import t from 'tap'
import { bindRole } from './server/bind-role.ts'
import { ApiError, attachmentPod, claim, installKubeVirtCrds, launcherPod, startApiServer, VirtController, vmi, type ApiServer } from './lab.ts'

const statusOf = (promise: Promise<unknown>): Promise<number> =>
  promise.then(() => 200, (error: unknown) => (error instanceof ApiError ? error.status : Promise.reject(error as Error)))

const roleForVmis = async (server: ApiServer): Promise<void> => {
  await server.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'vmis' }, rules: [{ apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances'], verbs: ['list'] }] })
  await bindRole(server, { name: 'vmis', role: 'vmis', account: { name: 'default', namespace: 'agents' } })
}

const claimsOf = (token: string): unknown => (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { 'kubernetes.io': unknown })['kubernetes.io']

t.test('an API server with KubeVirt’s kinds', async (t) => {
  const server = await startApiServer(t)
  await installKubeVirtCrds(server)

  await t.test('tokens are bound to pod and node, and RBAC holds', async (t) => {
    await server.createNamespace('agents')
    await roleForVmis(server)
    const token = await server.tokenFor('default', { namespace: 'agents', node: 'node7' })
    t.match(claimsOf(token), { node: { name: 'node7' }, pod: { name: 'default-node7' }, serviceaccount: { name: 'default' } })
    const { client } = await server.as(token)
    t.strictSame(await client.list('kubevirt.io/v1', 'VirtualMachineInstance'), [])
    t.equal(await statusOf(client.list('v1', 'Pod')), 403)
  })

  await t.test('a volume goes through its phases as under the real controller', async (t) => {
    const made = await server.create(vmi({ name: 'one' }))
    t.match(made.status, { phase: 'Running', nodeName: 'node1' })
    const launcher = await server.create(launcherPod(made))
    t.match(launcher, { status: { phase: 'Running' }, metadata: { ownerReferences: [{ uid: made.metadata.uid, controller: true }] } })
    const pvc = await server.create(claim({ name: 'b1' }))
    t.match(pvc, { status: { phase: 'Bound' } })
    const attachment = await server.create(attachmentPod(launcher, [{ volume: 'b1', claim: pvc, mode: 'Block' }]))
    const { name, uid } = attachment.metadata
    const controller = new VirtController(server, made)
    await controller.plug({ name: 'b1', disk: { serial: 'b1' } })
    t.match(await controller.vmi(), { spec: { volumes: [{ name: 'b1', persistentVolumeClaim: { claimName: 'b1', hotpluggable: true } }], domain: { devices: { disks: [{ name: 'b1', serial: 'b1', disk: { bus: 'scsi' } }] } } } })
    await controller.bound({ name: 'b1' })
    t.match(await controller.entry('b1'), { phase: 'Bound', target: '', persistentVolumeClaimInfo: { claimName: 'b1', volumeMode: 'Block' } })
    await controller.attachedToNode('b1', { name })
    t.strictSame((await controller.entry('b1'))?.hotplugVolume, { attachPodName: name })
    await controller.attachedToNode('b1', { name, uid })
    t.match(await controller.entry('b1'), { phase: 'AttachedToNode', reason: 'SuccessfulCreate', hotplugVolume: { attachPodUID: uid } })
    await server.patch(made, [{ op: 'test', path: '/status/volumeStatus/0/name', value: 'b1' }, { op: 'replace', path: '/status/volumeStatus/0/phase', value: 'Ready' }])
    await controller.replaced('hp-volume-new')
    t.match(await controller.entry('b1'), { phase: 'Ready', hotplugVolume: { attachPodName: 'hp-volume-new', attachPodUID: undefined } })
    await controller.ready({ name: 'hp-volume-new', uid: 'u' })
    t.match(await controller.entry('b1'), { phase: 'Ready', hotplugVolume: { attachPodUID: 'u' } })
    await controller.unplug('b1')
    t.strictSame((await controller.vmi()).spec.volumes, [])
    await controller.detaching('b1')
    t.match(await controller.entry('b1'), { phase: 'Detaching', message: 'Deleted hotplug attachment pod hp-volume-new, for volume b1' })
    await controller.drop('b1')
    t.equal(await controller.entry('b1'), undefined)
  })

  await t.test('the VMI has no status subresource, required fields are asked for, unknown ones pruned', async (t) => {
    const made = await server.create({ ...vmi({ name: 'two' }), status: { volumeStatus: [{ name: 'x', target: '', nobodyKnows: 1 }] } })
    t.strictSame(made.status, { volumeStatus: [{ name: 'x', target: '' }] })
    t.equal(await statusOf(server.patchStatus(made, { status: { phase: 'Failed' } })), 404)
    t.equal(await statusOf(server.patch(made, { status: { volumeStatus: [{ name: 'x' }] } })), 422)
    t.equal(await statusOf(server.patch(made, [{ op: 'test', path: '/status/volumeStatus/0/name', value: 'y' }])), 422)
    const changed = await server.patch(made, { status: { phase: 'Running' } })
    t.equal(changed.metadata.generation, 2)
  })

  await t.test('it comes back with its data, and forgets old versions', async (t) => {
    const before = await server.get(vmi({ name: 'two' }))
    await server.kill9()
    await t.rejects(server.get(vmi({ name: 'two' })))
    await server.start()
    await server.compact()
    t.equal((await server.get(vmi({ name: 'two' }))).metadata.uid, before.metadata.uid)
    t.match(await server.kubectl('get', 'vmi', 'two', '-o', 'name'), /virtualmachineinstance/)
    const watch = await server.request<string | object>('GET', `/apis/kubevirt.io/v1/virtualmachineinstances?watch=1&timeoutSeconds=1&resourceVersion=1`)
    t.match(watch, { type: 'ERROR', object: { code: 410 } })
  })

  await t.test('with a status subresource where asked for', async (t) => {
    await installKubeVirtCrds(server, { vmiStatusSubresource: true })
    const made = await server.create(vmi({ name: 'three' }))
    t.match(made, { status: { phase: 'Running' } })
    const controller = new VirtController(server, made)
    await controller.plug({ name: 'b1' })
    await controller.bound({ name: 'b1' })
    t.match(await controller.entry('b1'), { phase: 'Bound' })
    await server.patch(made, { status: { phase: 'Failed' } })
    t.equal((await controller.vmi()).status?.phase, 'Running')
  })

  await t.test('closed, nothing is left', async (t) => {
    await server.close()
    await t.rejects(access(server.directory))
    await t.rejects(server.get(vmi({ name: 'two' })))
  })
})
