import { CACHE_MODES, ERROR_POLICIES, IO_MODES } from '../requests/disk-options.ts'
import type { StatusCause, StatusDetails, StatusObject } from '../objects/status-object.ts'
import { COUNT, EMPTY_OBJECT, FLAG, listOf, ref, type Schema, shape, TEXT, words } from './schema.ts'

const NAME: Schema = { type: 'string', minLength: 1, description: "The volume's name." }
const DRY_RUN = { ...listOf(words(['All'])), description: 'All checks, no change.' }

function closed(required: readonly string[], properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** Bodies of requests, and the body of a refusal. */
export const REQUEST_SCHEMAS = {
  AddVolumeOptions: closed(['name', 'disk', 'volumeSource'], {
    name: NAME,
    disk: closed([], {
      name: NAME,
      disk: closed([], { bus: words(['scsi']), readonly: FLAG }),
      serial: { type: 'string', description: 'At most 36 bytes; what the guest sees. Default: the name of the volume.' },
      cache: words(CACHE_MODES), io: words(IO_MODES), errorPolicy: words(ERROR_POLICIES), shareable: FLAG,
    }),
    volumeSource: closed(['local'], { local: closed(['path'], { path: { type: 'string', pattern: '^/' }, format: words(['raw', 'qcow2']) }) }),
    dryRun: DRY_RUN,
  }),
  RemoveVolumeOptions: closed(['name'], { name: NAME, dryRun: DRY_RUN }),
  Status: shape<StatusObject>(
    {
      kind: { const: 'Status' }, apiVersion: { const: 'v1' }, metadata: EMPTY_OBJECT, status: { const: 'Failure' },
      message: TEXT, reason: { ...TEXT, description: "Kubernetes' word for the code." }, details: ref('StatusDetails'), code: COUNT,
    },
    {}, 'A refusal.',
  ),
  StatusDetails: shape<StatusDetails>(
    { causes: { ...listOf(ref('StatusCause')), minItems: 2, description: 'First our reason with the exact cause, then the remedy, then the facts.' } },
    { name: TEXT, group: TEXT, kind: TEXT, retryAfterSeconds: COUNT },
  ),
  StatusCause: shape<StatusCause>({ reason: TEXT, message: TEXT }, { field: TEXT }),
} as const
