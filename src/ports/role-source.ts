import type { RoleVerdict } from '../model/role.ts'

/** Who tells which role hotplugd has on this node. */
export interface RoleSource {
  /** What is so at present; `companion` as long as nothing is known. */
  readonly verdict: RoleVerdict
  /** Begins to find out. `listener` is called on every change of role or reason from then on. */
  start(listener: (verdict: RoleVerdict) => void): void
  close(): Promise<void>
}
