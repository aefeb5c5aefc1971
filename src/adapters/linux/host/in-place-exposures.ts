import type { Exposures } from '../../../ports/host.ts'

/** Exposures of standalone mode: the domain opens the source where it is, so there is nothing to make or to take back. */
export function createExposures(): Exposures {
  return {
    plan: (source) => ({ path: source.path, kind: source.identity.kind, handle: {} }),
    expose: () => Promise.resolve(),
    release: () => Promise.resolve(),
  }
}
