import { HotplugError } from '../../errors.ts'

const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Checks a UID of the API server's making before it becomes part of a path. (Static pods have others, but run no VM.)
 * Throws HotplugError `UnsafePath`.
 */
export function checkPodUid(uid: string): void {
  if (UID.test(uid)) return
  const shown = JSON.stringify(uid.slice(0, 80))
  throw new HotplugError('UnsafePath', `${shown} is no UID of a pod or claim`, { remedy: 'Find out who wrote that UID: the API server makes others.', detail: { uid: shown } })
}
