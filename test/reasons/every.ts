import type { Reason } from '../../src/errors.ts'
import { CLUSTER } from './cluster.ts'
import { COMPANION } from './companion.ts'
import { STANDALONE } from './standalone.ts'

/** That this compiles says that every reason of the catalogue has its case, and is provoked. */
export const EVERY = { ...STANDALONE, ...CLUSTER, ...COMPANION } satisfies Record<Reason, unknown>
