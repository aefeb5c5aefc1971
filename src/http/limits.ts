/** Bounds that keep a hostile or broken client from hurting others. */
export const LIMITS = {
  bodyBytes: 64 * 1024,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  /** A connection on which nothing moves: a client that does not read its answer. Watches have their own bound. */
  silenceTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  connectionsPerUser: 64,
  /** All users but root together, so that root always finds room. */
  connectionsOfUsers: 256,
  connectionsOfRoot: 256,
  connectionsOfProbes: 128,
  watchesPerUser: 16,
  watches: 64,
  /** A watcher that has not taken what was sent for so long is cut. It never holds more than one object meanwhile. */
  watchStallMs: 10_000,
}

export type Limits = typeof LIMITS
