import type { JournalStep, LedgerStep } from './model/steps.ts'

/** Called around each journalled step. */
export type StepHook = (when: 'before' | 'after', step: JournalStep | LedgerStep) => void

/**
 * The hook that tests ask for by HOTPLUGD_FAILPOINT=`before:STEP` or `after:STEP`: the process kills itself with SIGKILL
 * there, as a crash at that instant would. Without the variable nothing is hooked.
 */
export function failpointHook(setting: string | undefined): StepHook | undefined {
  if (setting === undefined || setting === '') return undefined
  return (when, step) => {
    if (`${when}:${step}` === setting) process.kill(process.pid, 'SIGKILL')
  }
}
