/**
 * A watch that hangs says nothing at all, and so does one on which nothing happens: bookmarks come once a minute only. So
 * each watch asks the server to end it after `watchSeconds`, and one that has not ended `graceMs` after that is hung. A
 * hang is noticed at the latest `watchSeconds × 1.25 + graceMs` = 30 s after it began. Resuming costs one small request.
 */
export interface ReflectorTimes {
  /** Each watch takes this or up to a quarter more, so that not all resume at once. @default 20 */
  readonly watchSeconds: number
  /** @default 5000 */
  readonly graceMs: number
  /** Instead of a watch: lists again after this or up to a quarter more, for what is small and rarely changes. @default null */
  readonly pollMs: number | null
  /** @default 100 */
  readonly pageSize: number
  /** @default 200 */
  readonly firstBackoffMs: number
  /** @default 4000 */
  readonly longestBackoffMs: number
  /** After one and the same refusal again and again: there is no such kind, or it may not be read. @default 4000 */
  readonly refusedMs: number
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  watchSeconds: 20,
  graceMs: 5_000,
  pollMs: null,
  pageSize: 100,
  firstBackoffMs: 200,
  longestBackoffMs: 4_000,
  refusedMs: 4_000,
}
