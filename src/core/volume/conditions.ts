import type { Condition, ConditionType } from '../../model/status.ts'

/** A condition as the facts have it now, without the time of its last change. */
export type ConditionFacts = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** The new conditions, each with the time of its last change of `status` carried over from the previous ones. */
export function withTransitions(facts: readonly ConditionFacts[], previous: readonly Condition[], nowIso: string): Condition[] {
  return facts.map((fact) => ({ ...fact, lastTransitionTime: transitionTime(fact, previous, nowIso) }))
}

function transitionTime(fact: ConditionFacts, previous: readonly Condition[], nowIso: string): string {
  const before = previous.find((condition) => condition.type === fact.type)
  return before?.status === fact.status ? before.lastTransitionTime : nowIso
}

/** A condition that holds. */
export function holds(type: ConditionType, reason: string, message: string): ConditionFacts {
  return { type, status: 'True', reason, message }
}

/** A condition that does not hold, or of which it is not known. */
export function lacks(type: ConditionType, reason: string, message: string, status: 'False' | 'Unknown' = 'False'): ConditionFacts {
  return { type, status, reason, message }
}
