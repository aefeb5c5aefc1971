import type { VolumeObject } from '../http/objects/volume-object.ts'

/** A status has one message for cause and remedy; where the remedy is printed beside it, it is not to be read twice. */
export function causeOf(message: string, { remedy }: Pick<VolumeObject, 'remedy'>): string {
  return remedy !== undefined && message.endsWith(`. ${remedy}`) ? message.slice(0, -remedy.length - 2) : message
}
