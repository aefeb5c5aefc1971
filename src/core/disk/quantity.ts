const FACTORS: Readonly<Record<string, bigint>> = {
  '': 1n, k: 1_000n, M: 10n ** 6n, G: 10n ** 9n, T: 10n ** 12n, P: 10n ** 15n, E: 10n ** 18n,
  Ki: 1n << 10n, Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n, Pi: 1n << 50n, Ei: 1n << 60n,
}
/** Longer texts are no sizes, and numbers of that many digits only cost time. */
const LONGEST = 40

/** A decimal number without an exponent, exactly: `digits / 10 ** places`. */
export interface Decimal {
  readonly digits: bigint
  readonly places: number
}

/** `0.055`, `12`; null for anything else. */
export function readDecimal(text: string): Decimal | null {
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text)
  if (match === null || text.length > LONGEST) return null
  const [, whole = '', fraction = ''] = match
  return { digits: BigInt(whole + fraction), places: fraction.length }
}

/**
 * Bytes of a size as Kubernetes writes it (`64Mi`, `1.5G`, `1e3`), rounded down; null if it is none. The grammar is that of
 * k8s.io/apimachinery's Quantity, without the fractions of a byte that `m` and smaller suffixes stand for.
 */
export function readQuantity(text: string): bigint | null {
  const match = /^([\d.]+)(?:[eE](\d{1,2})|([kMGTPE]i?|Ki)?)$/.exec(text)
  const number = match === null ? null : readDecimal(match[1] ?? '')
  const factor = FACTORS[match?.[3] ?? '']
  if (number === null || factor === undefined) return null
  const exponent = 10n ** BigInt(match?.[2] ?? 0)
  return (number.digits * factor * exponent) / 10n ** BigInt(number.places)
}
