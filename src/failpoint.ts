import type { JournalStep, LedgerStep } from './model/steps.ts'

/** Called around each journalled step. */
export type StepHook = (when: 'before' | 'after', step: JournalStep | LedgerStep) => void

/** What happens to the process at its failpoint. */
const ACTS: Readonly<Record<string, () => void>> = {
  /** A crash at that instant. */
  kill: () => void process.kill(process.pid, 'SIGKILL'),
  /** It stands still until a test lets it go on, having done meanwhile what is hard to do in time. */
  stop: () => void process.kill(process.pid, 'SIGSTOP'),
  /** Each time: what nobody has foreseen. */
  throw: () => {
    throw new TypeError('the failpoint was asked to throw')
  },
}

/**
 * The hook that tests ask for by HOTPLUGD_FAILPOINT=`[ACT:]before:STEP` or `[ACT:]after:STEP`, with one of `kill` (unless
 * said otherwise), `stop` (the first time only) and `throw`. Without the variable nothing is hooked.
 */
export function failpointHook(setting: string | undefined): StepHook | undefined {
  if (setting === undefined || setting === '') return undefined
  const [act = 'kill', ...where] = /^(kill|stop|throw):/.test(setting) ? setting.split(':') : ['kill', setting]
  let reached = 0
  return (when, step) => {
    if (`${when}:${step}` !== where.join(':')) return
    if (act === 'stop' && reached++ > 0) return
    ACTS[act]?.()
  }
}
