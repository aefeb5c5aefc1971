import { requestChange } from './change.ts'
import type { Session } from '../session.ts'
import { waitGone } from '../wait.ts'

/** `hotplugctl removevolume VM --volume-name=NAME`. */
export function removeVolume(session: Session): Promise<void> {
  return requestChange(session, { verb: 'removevolume', body: {}, wait: waitGone })
}
