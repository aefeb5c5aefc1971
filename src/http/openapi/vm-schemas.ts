import { PLUG_STAGES, UNPLUG_STAGES, type Condition, type Stage } from '../../model/status.ts'
import type { ExplanationObject } from '../objects/explanation-object.ts'
import type { VmiCondition, VmiListObject, VmiObject, VmiSpec } from '../objects/vmi-object.ts'
import type { VolumeObject } from '../objects/volume-object.ts'
import type { SingleVolume, VolumeList } from '../routes/volumes.ts'
import { ANY_OBJECT, COUNT, EMPTY_OBJECT, FLAG, listOf, NUMBER, orNull, ref, type Schema, shape, TEXT, TIME, words } from './schema.ts'

const PHASE = words(['Pending', 'Ready', 'Detaching'])
const STAGE = words([...new Set([...PLUG_STAGES, ...UNPLUG_STAGES])])
const VMI = { kind: { const: 'VirtualMachineInstance' }, apiVersion: { const: 'kubevirt.io/v1' } }

const OF_VM = { kind: { const: 'Volume' }, apiVersion: { const: 'hotplugd.io/v1' }, metadata: ref('VolumeMetadata'), vm: TEXT }
const VOLUME_REQUIRED = { name: TEXT, target: { ...TEXT, description: 'Empty while it has none.' } }
const VOLUME_OPTIONAL = {
  phase: PHASE, reason: TEXT, message: TEXT,
  hotplugVolume: { ...EMPTY_OBJECT, description: 'Its presence says that the disk is hot-plugged.' },
  size: { ...COUNT, description: 'Bytes.' },
  serial: TEXT, source: TEXT, origin: TEXT, persisted: FLAG,
  remedy: { ...TEXT, description: 'What a person can do; only while something is to be said.' },
  conditions: listOf(ref('Condition')), stages: listOf(ref('Stage')),
}

/** A change of what is watched; a mark ends what was there at the beginning. */
function event(object: string, gone = object): Schema {
  const change = (types: readonly string[], name: string): Schema => ({ type: 'object', properties: { type: words(types), object: ref(name) }, required: ['type', 'object'], additionalProperties: false })
  return { oneOf: [change(['ADDED', 'MODIFIED'], object), change(['DELETED'], gone), ref('InitialEnd')] }
}

/** VMs, volumes and what is said of them. */
export const VM_SCHEMAS = {
  VirtualMachineInstance: shape<VmiObject>({ ...VMI, metadata: ref('VmiMetadata'), spec: ref('VmiSpec'), status: ref('VmiStatus') }, {}),
  VirtualMachineInstanceList: shape<VmiListObject>(
    { kind: { const: 'VirtualMachineInstanceList' }, apiVersion: { const: 'kubevirt.io/v1' }, metadata: EMPTY_OBJECT, items: listOf(ref('VirtualMachineInstance')) }, {},
  ),
  VmiMetadata: shape<VmiObject['metadata']>({ name: TEXT, namespace: TEXT }, { uid: TEXT }),
  VmiSpec: shape<VmiSpec>({ volumes: listOf(ref('VmiVolume')), domain: ANY_OBJECT }, {}, 'What is wanted.'),
  VmiVolume: {
    type: 'object', properties: { name: TEXT, local: ANY_OBJECT, persistentVolumeClaim: ANY_OBJECT }, required: ['name'],
    oneOf: [{ required: ['local'] }, { required: ['persistentVolumeClaim'] }], additionalProperties: false,
  },
  VmiStatus: shape<VmiObject['status']>(
    {
      phase: words(['Running', 'Pending', 'Unknown']), printableStatus: words(['Running', 'Paused', 'Stopped', 'Saved', 'NotFound', 'Unknown']),
      conditions: listOf(ref('VmiCondition')), volumeStatus: { ...listOf(ref('VolumeStatus')), description: 'One entry per disk, hot-plugged or not; sorted by name.' },
    }, {},
  ),
  VmiCondition: shape<VmiCondition>({ type: words(['Paused', 'Synchronized']), status: words(['True', 'False']), reason: TEXT, message: TEXT }, {}),
  VolumeStatus: shape<VolumeObject>(VOLUME_REQUIRED, VOLUME_OPTIONAL),
  Condition: shape<Condition>({ type: words(['SourceReady', 'Exposed', 'Attached', 'Ready']), status: words(['True', 'False', 'Unknown']), reason: TEXT, message: TEXT, lastTransitionTime: TIME }, {}),
  Stage: shape<Stage>({ name: STAGE, startedAt: TIME, durationMs: NUMBER }, {}),
  Volume: shape<SingleVolume>({ ...OF_VM, ...VOLUME_REQUIRED }, VOLUME_OPTIONAL),
  VolumeMetadata: shape<SingleVolume['metadata']>({ namespace: TEXT }, {}),
  VolumeList: shape<VolumeList>({ kind: { const: 'VolumeList' }, apiVersion: { const: 'hotplugd.io/v1' }, metadata: EMPTY_OBJECT, items: listOf(ref('VolumeStatus')) }, {}),
  Explanation: shape<ExplanationObject>(
    {
      kind: { const: 'Explanation' }, apiVersion: { const: 'hotplugd.io/v1' }, vm: TEXT, volume: TEXT, summary: TEXT, phase: orNull(PHASE), reason: TEXT, message: TEXT, remedy: TEXT,
      since: orNull(TIME), wanted: TEXT, reached: orNull(STAGE), evidence: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } }, next: TEXT, attempts: COUNT,
      besides: { ...listOf(TEXT), description: 'What else is wrong with the VM, or with what asks for its volumes.' },
    }, {}, 'Everything a person at night wants to know of one volume.',
  ),
  VirtualMachineInstanceEvent: event('VirtualMachineInstance'),
  VolumeEvent: event('Volume', 'VolumeGone'),
  VolumeGone: { type: 'object', properties: { ...OF_VM, name: TEXT }, required: [...Object.keys(OF_VM), 'name'], additionalProperties: false },
  InitialEnd: {
    type: 'object',
    properties: { type: { const: 'BOOKMARK' }, object: { type: 'object', properties: { ...VMI, metadata: ANY_OBJECT }, required: ['kind', 'apiVersion', 'metadata'], additionalProperties: false } },
    required: ['type', 'object'], additionalProperties: false,
  },
} as const
