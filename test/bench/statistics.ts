/** The value below which a fraction `q` (0 … 1) of the samples lies, between neighbours in proportion. NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? NaN
  const high = sorted[Math.ceil(at)] ?? NaN
  return low + (high - low) * (at - Math.floor(at))
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export type Statistic = (samples: readonly number[]) => number

/** Lowest and highest. */
export type Spread = readonly [number, number]

/** How much a statistic wanders by itself: its lowest and highest value over consecutive fifths of the samples. */
export function spreadOf(samples: readonly number[], statistic: Statistic, parts = 5): Spread {
  const length = Math.max(1, Math.floor(samples.length / parts))
  const values = Array.from({ length: Math.floor(samples.length / length) }, (_, i) => statistic(samples.slice(i * length, (i + 1) * length)))
  return [Math.min(...values), Math.max(...values)]
}

/**
 * By how much a statistic of two runs differs though nothing differs between them: 95 of 100 times the samples fall into
 * two halves by lot, the statistics of the halves are closer than this.
 */
export function chanceDifference(samples: readonly number[], statistic: Statistic, draws = 400): number {
  const half = Math.floor(samples.length / 2)
  const differences = Array.from({ length: draws }, (_, draw) => {
    const mixed = shuffled(samples, draw + 1)
    return Math.abs(statistic(mixed.slice(0, half)) - statistic(mixed.slice(half)))
  })
  return quantile(differences, 0.95)
}

/** A steady slope through points that jump: the median of the slopes between all pairs (Theil and Sen). */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x1, y1], i) => points.slice(i + 1).map(([x2, y2]) => (y2 - y1) / (x2 - x1)))
  return slopes.length === 0 ? NaN : median(slopes)
}

/** The same order for the same seed, so that a result can be had again. */
function shuffled(samples: readonly number[], seed: number): number[] {
  const mixed = [...samples]
  const random = mulberry32(seed)
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = mixed[i] ?? NaN
    mixed[i] = mixed[j] ?? NaN
    mixed[j] = kept
  }
  return mixed
}

/** A small generator of numbers in [0, 1); Math.random takes no seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
