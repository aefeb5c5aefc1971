import type { HotplugError } from '../errors.ts'
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
  /** Why what is to be said of the VM is not yet where it belongs, if telling it has failed. Absent: it never fails. */
  trouble?(vm: VmStatus['vm']): HotplugError | null
}
