import type { Footprint } from '../../../model/source.ts'

/** Whether two sources share bytes (see Footprint): meeting in what is below alone is no overlap. */
export function overlaps(a: Footprint, b: Footprint): boolean {
  return meets(a.same, b.same) || meets(a.same, b.below) || meets(a.below, b.same)
}

function meets(some: readonly string[], others: readonly string[]): boolean {
  return some.some((key) => others.includes(key))
}
