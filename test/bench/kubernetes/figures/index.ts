import type { Measurement } from '../../setting.ts'
import { exposure } from './exposure.ts'
import { fleet } from './fleet.ts'
import { oneVolume } from './one-volume.ts'
import { others } from './others.ts'
import { stuckNeighbour } from './stuck-neighbour.ts'
import { ten } from './ten.ts'

/** In the order in which they are measured. */
export const KUBERNETES_MEASUREMENTS: readonly Measurement[] = [oneVolume, exposure, others, ten, stuckNeighbour, fleet]
