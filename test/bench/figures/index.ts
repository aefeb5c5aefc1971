import type { Measurement } from '../setting.ts'
import { guestSees } from './guest-sees.ts'
import { manyVolumes } from './many-volumes.ts'
import { oneVolume } from './one-volume.ts'

/** In the order in which they are measured. */
export const MEASUREMENTS: readonly Measurement[] = [oneVolume, guestSees, manyVolumes]
