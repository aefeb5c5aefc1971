import { namesOf, requestChange } from './change.ts'
import { usageFailure } from '../failure.ts'
import type { Session } from '../session.ts'
import { waitReady } from '../wait.ts'

/** `hotplugctl addvolume VM --volume-name=NAME --source=PATH`. */
export async function addVolume(session: Session): Promise<void> {
  const { volume } = namesOf(session, 'addvolume')
  const path = session.text('source')
  if (path === null || path === '') throw usageFailure('addvolume needs --source=PATH', 'addvolume')
  if (!path.startsWith('/')) throw usageFailure(`flag --source: found '${path}', allowed: an absolute path`, 'addvolume')
  const format = session.text('format')
  const local = { path, ...(format === null ? {} : { format }) }
  await requestChange(session, { verb: 'addvolume', body: { disk: diskOf(session, volume), volumeSource: { local } }, wait: waitReady })
}

function diskOf(session: Session, volume: string): object {
  const texts = ['serial', 'cache', 'io'].flatMap(flag => {
    const text = session.text(flag)
    return text === null ? [] : [[flag, text] as const]
  })
  const device = { bus: session.text('bus') ?? 'scsi', ...(session.has('readonly') ? { readonly: true } : {}) }
  return { name: volume, [session.text('disk-type') ?? 'disk']: device, ...Object.fromEntries(texts), ...(session.has('shareable') ? { shareable: true } : {}) }
}
