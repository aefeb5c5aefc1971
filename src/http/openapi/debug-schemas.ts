import type { EngineState, HistoryEntry } from '../../agent/api.ts'
import type { ConfiguredOption, ProcessFacts } from '../diagnostics.ts'
import type { DebugIndex, DebugPage, LogLevelObject } from '../routes/debug.ts'
import type { HistoryObject } from '../routes/history.ts'
import type { VersionObject } from '../routes/version.ts'
import { ANY_OBJECT, COUNT, listOf, NUMBER, orNull, ref, shape, TEXT, TIME } from './schema.ts'

const OBJECTS = listOf(ANY_OBJECT)

/** What is there for whoever looks for the cause of something. */
export const DEBUG_SCHEMAS = {
  DebugIndex: shape<DebugIndex>({ pages: listOf(ref('DebugPage')) }, {}),
  DebugPage: shape<DebugPage>({ method: TEXT, path: TEXT, doc: TEXT }, {}),
  EngineState: shape<EngineState>(
    {
      role: orNull(ANY_OBJECT), cluster: orNull(ANY_OBJECT), vms: OBJECTS, desired: OBJECTS, actual: OBJECTS, plan: OBJECTS, operations: OBJECTS, queues: OBJECTS, journal: OBJECTS,
      journalDoubts: listOf(TEXT), history: listOf(ref('HistoryEntry')), sources: OBJECTS, holders: OBJECTS, connections: OBJECTS,
    }, {}, 'The whole engine. Names are stable, depth is not.',
  ),
  History: shape<HistoryObject>({ kind: TEXT, apiVersion: TEXT, items: listOf(ref('HistoryEntry')) }, {}),
  HistoryEntry: shape<HistoryEntry>({ at: TIME, volume: TEXT, event: TEXT, durationMs: orNull(NUMBER), reason: orNull(TEXT), message: orNull(TEXT) }, {}),
  LogLevel: shape<LogLevelObject>({ level: TEXT }, {}),
  Configuration: { type: 'object', properties: { options: listOf(ref('ConfiguredOption')) }, required: ['options'], additionalProperties: false },
  ConfiguredOption: shape<ConfiguredOption>({ name: TEXT, values: listOf(TEXT), from: TEXT }, {}),
  Process: shape<ProcessFacts>({ pid: COUNT, version: TEXT, mode: TEXT, nodeName: TEXT, startedAt: TIME, node: TEXT }, {}),
  OpenApi: ANY_OBJECT,
  Version: shape<VersionObject>({ gitVersion: TEXT, nodeVersion: TEXT, platform: TEXT }, {}),
} as const
