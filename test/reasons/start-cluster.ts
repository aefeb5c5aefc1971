import type { Test } from 'tap'
import { KubernetesScene } from '../system/kubernetes/scene.ts'
import { AgentAccount } from './agent-account.ts'
import { Cluster } from './cluster.ts'

/** A node with one VM and the agent, which has no more rights than the chart gives it. */
export async function startCluster(t: Test): Promise<Cluster> {
  const scene = await KubernetesScene.start(t)
  await scene.server.createNamespace('kubevirt')
  const [account, vm] = [await AgentAccount.make(scene.server), await scene.startVm()]
  const room = new Cluster({ scene, vm, account })
  await room.restart()
  return room
}
