import type { VmKey } from './ids.ts'
import type { StageName } from './status.ts'

/** What `explain` answers: everything a person at night wants to know of one volume. */
export interface Explanation {
  readonly vm: VmKey
  readonly volume: string
  /** One sentence: `data is in the guest as sda` or `data is not in the guest: …`. */
  readonly summary: string
  readonly phase: string | null
  readonly reason: string
  readonly message: string
  readonly remedy: string
  /** ISO 8601; since when the present reason holds. */
  readonly since: string | null
  /** What is wanted, in words. */
  readonly wanted: string
  /** The last stage that was passed. */
  readonly reached: StageName | null
  /** Facts: path, device, errno, libvirt's code and words. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
  /** What happens by itself, and when. */
  readonly next: string
  readonly attempts: number
  /** What else is wrong with the VM, or with what asks for its volumes. */
  readonly besides: readonly string[]
}
