import type { RoleVerdict } from '../model/role.ts'

/** Who tells which role hotplugd has on this node. */
export interface RoleSource {
  /** What is so at present; `companion` as long as nothing is known. */
  readonly verdict: RoleVerdict
  /**
   * Begins to find out. `listener` is called on every change of role or reason from then on. Resolves once it was found
   * out, or found that it cannot be at present.
   */
  start(listener: (verdict: RoleVerdict) => void): Promise<void>
  close(): Promise<void>
}
