import type { Measurement } from '../setting.ts'
import { fleet } from './fleet.ts'
import { guestSees } from './guest-sees.ts'
import { manyVolumes } from './many-volumes.ts'
import { oneVolume } from './one-volume.ts'
import { soak } from './soak.ts'
import { storm } from './storm.ts'
import { stuckNeighbour } from './stuck-neighbour.ts'

/** In the order in which they are measured. */
export const MEASUREMENTS: readonly Measurement[] = [oneVolume, guestSees, manyVolumes, storm, stuckNeighbour, fleet, soak]
