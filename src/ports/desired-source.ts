import type { DesiredSnapshot } from '../model/desired.ts'

/** One source of desired state: manifests, requests, later VMI objects. */
export interface DesiredSource {
  /** For logs and the debug view. */
  readonly name: string
  /**
   * Begins to watch. `listener` is called with the whole snapshot once it was first read and on every change, from then on;
   * calls do not overlap. A source that cannot be read at all reports `synced: false` and keeps trying.
   */
  start(listener: (snapshot: DesiredSnapshot) => void): Promise<void>
  close(): Promise<void>
}
