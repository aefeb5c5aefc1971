import type { Cases } from './case.ts'
import type { Cluster } from './cluster.ts'

/** Every case beside KubeVirt's own virt-handler. */
export const COMPANION = {} satisfies Cases<Cluster>
