/**
 * Every step that the exposure journal records on the way in, in order. A step is written *before* what it announces
 * (`…ing`) or *after* what it reports (`…ed`). Tests kill the agent before and after each of them, so a step that is
 * added here is tested or fails the suite.
 */
export const PLUG_STEPS = ['exposing', 'exposed', 'attaching', 'attached', 'plugged'] as const
/** Every step that it records on the way out, in order, by the same rule. */
export const UNPLUG_STEPS = ['detaching', 'detachIssued', 'detached', 'releasing', 'released'] as const

/** Any step of the exposure journal. */
export type JournalStep =
  | (typeof PLUG_STEPS)[number]
  | (typeof UNPLUG_STEPS)[number]

/** The steps that the ledger of persisted disks records; they survive power loss. */
export const LEDGER_STEPS = ['persistIntended', 'persistDone', 'persistDropped'] as const
/** A step of the ledger: before the definition is changed, after it was, and once the disk is ours no more. */
export type LedgerStep = (typeof LEDGER_STEPS)[number]
