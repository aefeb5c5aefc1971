/**
 * The lab's Kubernetes: a real API server, and objects as a KubeVirt cluster has them. Nothing of the machine's own
 * Kubernetes is used. Needs root and what `bash test/support/prepare.sh --kubernetes` installs and builds.
 *
 * @example
 * ```ts
 * import t from 'tap'
 * import { attachmentPod, claim, installKubeVirtCrds, launcherPod, startApiServer, VirtController, vmi } from '../support/kubernetes/lab.ts'
 *
 * t.test('a volume is plugged', async (t) => {
 *   const server = await startApiServer(t)                        // 4 s: etcd and kube-apiserver, TLS and RBAC; no kubelet, no controllers
 *   await installKubeVirtCrds(server)                             // kubevirt.io/v1: vmi (no status subresource), vm, kubevirt
 *   const made = await server.create(vmi({ name: 'vmi1' }))       // runs on node1, its status too
 *   const launcher = await server.create(launcherPod(made))       // owner references as the real ones
 *   const data = await server.create(claim({ name: 'data' }))
 *   const attachment = await server.create(attachmentPod(launcher, [{ volume: 'data', claim: data, mode: 'Block' }]))
 *   const controller = new VirtController(server, made)           // what virt-controller would do, step by step
 *   await controller.plug({ name: 'data' })
 *   await controller.bound({ name: 'data' })
 *   await controller.attachedToNode('data', { name: attachment.metadata.name, uid: attachment.metadata.uid })
 *   const token = await server.tokenFor('agent', { namespace: 'hotplugd', node: 'node1' })   // bound, with the node's claim
 *   const { kubeconfig } = await server.as(token)
 *   // … start what is under test with that kubeconfig …
 *   await server.restart()                                        // SIGKILL; the same address, data and tokens; older watches get 410
 *   await controller.unplug('data')
 *   // … wait for UnMountedFromPod in (await controller.entry('data'))?.phase …
 *   await controller.detaching('data')
 *   await controller.drop('data')
 * })
 * ```
 *
 * - `server.request`, `create`, `get`, `find`, `list`, `patch`, `replace`, `delete` are the administrator's; `server.kubectl(…)` whatever
 *   kubectl can do (a tenth of a second each). Without a kubelet a pod goes with `server.delete(pod, { gracePeriodSeconds: 0 })`.
 * - `server.kill9()`, `start()`, `signal('SIGSTOP')`, `compact()` for faults; `createNamespace` makes the `default` ServiceAccount too.
 * - Where a kubelet would only slow a test down: `const node = await startRuncNode(t, { cgroups: 'v2' })` (0.1 s) and
 *   `const pod = await node.startPod({ runAs: 107 })` (0.5 s): a kubelet's directories and cgroups (`pod.emptyDir('hotplug-disks')`,
 *   `pod.containerCgroup`), containers of a real runc (`pod.pid`, `pod.root`, `pod.exec('ls', '/dev')`), and this machine's own programs
 *   in them. An agent is given `node.kubeletDir` and `node.cgroupRoot`.
 * - With a kubelet: `const cluster = await startCluster(t)` (5 s), one node `node1` in namespaces of its own, with controllers and
 *   scheduler. `cluster.server` is its API server; pods reach it at 10.96.0.1 with their tokens. `importImage(archive)`, `importTree(tree,
 *   name)`, then pods with `imagePullPolicy: Never`; `podReady`, `podGone`, `exec`, `logs`, `containerPid`; `cluster.kubelet.kill9()`.
 *   `${cluster.root}${cluster.kubeletDir}/pods/…` is the kubelet's directory with its mounts, seen from here;
 *   `await cluster.process('agent', 'program', …).start()` runs a server on the node, as a service of it would; `.kill9()` ends it.
 * - The whole stage: `const scene = await startPlugScene(t)` (10 s): a cluster, a launcher pod as KubeVirt makes it with a real
 *   libvirt and guest (`scene.launcher.guest.write(…)`, `.host.virsh(…)`), a block volume `b1`, an image `f1` and the attachment pod that has
 *   both. `await scene.announce(scene.block, scene.image)` writes them into the VMI up to AttachedToNode: the agent's turn. More of each:
 *   `startLauncher(cluster, vmi)`, `makeVolume(cluster, { name, mode })`, `startAttachmentPod(cluster, launcher.pod, volumes)`.
 * - virt-controller by itself: `const controller = new LiveVirtController(cluster, launcher, t)`, then only `controller.plug({ name: 'b1' })`
 *   and `unplug('b1')`: it makes and replaces attachment pods and writes the entries as the real one would.
 * - Several servers side by side are fine. When the process dies, by SIGKILL too, they are killed and their files removed.
 */
export { helm, kubectl, kubernetesProgram } from './binaries.ts'
export { startAttachmentPod } from './cluster/attachment.ts'
export { LiveVirtController } from './cluster/live-virt-controller.ts'
export { PAUSE_IMAGE } from './cluster/configuration.ts'
export { Cluster } from './cluster/cluster.ts'
export { startPlugScene, type PlugScene } from './cluster/plug-scene.ts'
export { makeVolume, type NodeVolume, type VolumeOptions } from './cluster/volume.ts'
export { startLauncher, type Launcher, type LauncherOptions } from './launcher/start-launcher.ts'
export { startCluster, type ClusterOptions } from './cluster/start-cluster.ts'
export { claim, claimInfo, localVolume, type ClaimShape } from './objects/claims.ts'
export { installKubeVirtCrds } from './objects/install-crds.ts'
export { controlledBy, type KubeObject, type Made, type ObjectReference } from './objects/kube-object.ts'
export { attachmentPod, launcherPod, podStatus, type AttachedClaim, type PodOptions } from './objects/pods.ts'
export { vmi, type Vmi, type VmiShape, type VmiVolume, type VolumeMode, type VolumeStatusEntry } from './objects/vmi.ts'
export { type ContainerMount } from './runc/bundle.ts'
export { RuncNode, startRuncNode, type RuncNodeOptions } from './runc/runc-node.ts'
export { RuncPod, type RuncPodOptions } from './runc/runc-pod.ts'
export { ApiClient, ApiError, type JsonPatchStep } from './server/api-client.ts'
export { ApiServer } from './server/api-server.ts'
export { startApiServer, type ApiServerOptions } from './server/start-api-server.ts'
export { VirtController } from './virt-controller.ts'
