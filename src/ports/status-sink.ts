import type { VmStatus } from '../model/status.ts'

/** Where the condition of volumes is reported to. */
export interface StatusSink {
  /**
   * The VM's status changed. Returns when the report is on its way; a sink that can fail retries by itself and never
   * makes the engine wait.
   */
  publish(status: VmStatus): void
  /** A VM that nothing is said of any more. */
  withdraw(vm: VmStatus['vm']): void
}
