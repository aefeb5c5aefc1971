import { readDecimal, readQuantity } from './quantity.ts'

const MEBIBYTE = 1n << 20n

/**
 * How large KubeVirt makes the image of a claim: its capacity without the part that its file system needs for itself,
 * rounded down to whole MiB. 0: not known, or not to be grown.
 *
 * @param overhead the share of the file system, `0.055`
 */
export function imageBytes(capacity: string, overhead: string): number {
  const bytes = readQuantity(capacity)
  const share = readDecimal(overhead)
  if (bytes === null || share === null) return 0
  const whole = 10n ** BigInt(share.places)
  if (share.digits >= whole) return 0
  const usable = ((bytes * (whole - share.digits)) / whole / MEBIBYTE) * MEBIBYTE
  return usable > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(usable)
}
