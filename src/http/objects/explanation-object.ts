import type { Explanation } from '../../agent/api.ts'

/** What `explain` answers, as an object. */
export interface ExplanationObject extends Explanation {
  readonly kind: 'Explanation'
  readonly apiVersion: 'hotplugd.io/v1'
}

export function explanationObject(explanation: Explanation): ExplanationObject {
  return { kind: 'Explanation', apiVersion: 'hotplugd.io/v1', ...explanation }
}
