import type { Reason } from '../../errors.ts'

/** The HTTP code of each reason that a request can be refused for. Whatever is not listed is a conflict with the world: 409. */
const CODES = {
  400: [
    'InvalidRequest', 'InvalidName', 'InvalidSerial', 'UnsupportedBus', 'UnsupportedDisk', 'HotplugDisabled', 'SourceMissing', 'ImageMissing',
    'SourceNotSupported', 'SourceEmpty', 'SourceUnreadable', 'UnsafePath', 'ImageFormatMismatch', 'ImageReferencesFile',
  ],
  403: ['AccessDenied'],
  404: ['VmNotFound', 'VolumeNotFound', 'UnknownNamespace'],
  429: ['TooManyRequests'],
  500: ['InternalError', 'StateFromNewerVersion'],
  503: ['LibvirtUnavailable', 'Synchronizing', 'NodeLocked', 'OutcomeUncertain', 'ApiServerUnavailable', 'ApiUnauthorized', 'ApiForbidden', 'ApiRefused'],
  507: ['StateUnwritable', 'JournalUnwritable'],
} as const satisfies Record<number, readonly Reason[]>

const BY_REASON = new Map<Reason, number>(Object.entries(CODES).flatMap(([code, reasons]) => reasons.map(reason => [reason, Number(code)] as const)))

export function codeOf(reason: Reason): number {
  return BY_REASON.get(reason) ?? 409
}
