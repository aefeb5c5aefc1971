import { HotplugError } from '../../errors.ts'
import { describeIdentity, sameIdentity } from '../../model/source.ts'
import type { Exposures, Sources } from '../../ports/host.ts'
import { createSources } from './sources.ts'

/**
 * Exposures of standalone mode: the domain opens the source where it is, so there is nothing to make or to take back.
 * `expose` makes sure that the path still leads to what was looked up (invariant I2): HotplugError `SourceChanged`.
 */
export function createExposures(sources: Pick<Sources, 'identify'> = createSources()): Exposures {
  return {
    plan: (_volume, source) => ({ path: source.path, kind: source.identity.kind, handle: {} }),
    async expose(_vm, exposure, source) {
      const now = await sources.identify(exposure)
      if (now !== null && sameIdentity(now, source.identity)) return
      const found = now === null ? 'nothing' : describeIdentity(now)
      const message = `${exposure.path} leads to ${found} now, not to ${describeIdentity(source.identity)}`
      throw new HotplugError('SourceChanged', message, { detail: { path: exposure.path } })
    },
    release: () => Promise.resolve(),
  }
}
