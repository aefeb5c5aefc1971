import type { VolumeRecord } from '../../model/record.ts'

/**
 * What is known of one volume in its domain. Only observation moves it on.
 *
 *            plug                    proven
 *   absent ───────▶ unproven ───────────────────▶ plugged
 *     ▲                │  ▲                          │ unplug
 *     │                │  └────── not removed ───────▼
 *     └── release ── gone ◀──────── proven ────── detaching
 *
 * `absent`     nothing of it is in the domain, nothing is exposed
 * `unproven`   the journal tells of an act whose result was not read back yet
 * `plugged`    libvirt lists the disk and QEMU has the proven source open
 * `detaching`  its removal was asked for; nothing is taken away and nothing is asked again
 * `gone`       libvirt lists it no more; the exposure is to be released once QEMU has let go
 */
export type Actual =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unproven'; readonly record: VolumeRecord }
  | { readonly kind: 'plugged'; readonly record: VolumeRecord; /** Holds the wrong bytes: out with it, whatever is wished. */ readonly condemned: boolean }
  | { readonly kind: 'detaching'; readonly record: VolumeRecord; readonly sinceMs: number; /** Removal was reported, or is due to be read back. */ readonly check: boolean }
  | { readonly kind: 'gone'; readonly record: VolumeRecord }

/** The one `absent`, for all volumes: it has no record. */
export const ABSENT: Actual = { kind: 'absent' }

/** The record behind an actual state, if there is one. */
export function recordOf(actual: Actual): VolumeRecord | null {
  return actual.kind === 'absent' ? null : actual.record
}
