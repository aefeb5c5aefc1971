import { HotplugError } from '../../errors.ts'
import { describeIdentity, sameIdentity } from '../../model/source.ts'
import type { Exposures, Sources } from '../../ports/host.ts'
import { LATE, within } from './in-time.ts'
import { createSources } from './sources.ts'

const DEADLINE_MS = 10_000

/**
 * Exposures of standalone mode: the domain opens the source where it is, so there is nothing to make or to take back.
 * `expose` makes sure that the path still leads to what was looked up (invariant I2): HotplugError `SourceChanged`.
 */
export function createExposures(sources: Pick<Sources, 'identify'> = createSources()): Exposures {
  return {
    plan: (source) => ({ path: source.path, kind: source.identity.kind, handle: {} }),
    async expose(_vm, exposure, source) {
      const now = await within(DEADLINE_MS, sources.identify(exposure))
      if (now === LATE) throw new HotplugError('SourceUnreadable', `${exposure.path} does not answer within ${DEADLINE_MS} ms`, { detail: { path: exposure.path } })
      if (now !== null && sameIdentity(now, source.identity)) return
      const found = now === null ? 'nothing' : describeIdentity(now)
      const message = `${exposure.path} leads to ${found} now, not to ${describeIdentity(source.identity)}`
      throw new HotplugError('SourceChanged', message, { detail: { path: exposure.path } })
    },
    release: () => Promise.resolve(),
  }
}
