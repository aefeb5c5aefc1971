import type { Reason } from '../../src/errors.ts'
import { CLUSTER } from './cluster.ts'
import { COMPANION } from './companion.ts'
import { STANDALONE } from './standalone.ts'
import { TODO } from './todo.ts'

/** The reasons that are provoked. */
export const PROVOKED = { ...STANDALONE, ...CLUSTER, ...COMPANION }

/** That this compiles says that every reason of the catalogue has its case. */
export const EVERY: Readonly<Record<Reason, unknown>> = { ...PROVOKED, ...TODO }
