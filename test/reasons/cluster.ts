import type { Cases } from './case.ts'
import type { KubernetesScene, SceneVm } from '../system/kubernetes/scene.ts'

/** What all cases of an agent on a cluster's node share; its one VM is `vm1`. */
export interface Cluster {
  readonly scene: KubernetesScene
  readonly vm: SceneVm
}

/** Every case of an agent on a cluster's node. */
export const CLUSTER = {} satisfies Cases<Cluster>
