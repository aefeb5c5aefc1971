import type { VmiObject } from '../http/objects/vmi-object.ts'
import type { WatchEvent } from './client.ts'
import type { Columns } from './columns.ts'
import { watchPath } from './paths.ts'
import type { Session } from './session.ts'
import { Table } from './table.ts'

type Row = readonly string[]

/** Prints what there is, and then a line for everything that changes, until the connection ends. */
export async function watchObjects(session: Session, columns: Columns, vm: string | null): Promise<void> {
  const namespace = session.has('all-namespaces') ? null : session.namespace
  const form = session.text('output')
  const show = form === 'json' || form === 'yaml' ? await objectPrinter(session, form) : rowPrinter(session, columns)
  await session.client.follow<VmiObject>(watchPath(namespace, vm), show, new AbortController().signal)
}

/** JSON: one object a line. YAML: documents. */
async function objectPrinter(session: Session, form: 'json' | 'yaml'): Promise<(event: WatchEvent<VmiObject>) => void> {
  const yaml = form === 'yaml' ? await import('yaml') : null
  return event => {
    if (event.type !== 'BOOKMARK') session.print(yaml === null ? JSON.stringify(event) : `---\n${yaml.stringify(event).trimEnd()}`)
  }
}

function rowPrinter(session: Session, columns: Columns): (event: WatchEvent<VmiObject>) => void {
  const table = new Table(columns.head)
  const known = new Map<string, ReadonlyMap<string, Row>>()
  let initial: Row[] | null = []
  return event => {
    if (event.type === 'BOOKMARK') {
      table.full(initial ?? []).forEach(session.print)
      initial = null
      return
    }
    const vm = `${event.object.metadata.namespace}/${event.object.metadata.name}`
    const rows = new Map((event.type === 'DELETED' ? [] : columns.rows(event.object)).map(row => [keyOf(row, columns), row]))
    const news = changed(known.get(vm) ?? new Map(), rows, columns)
    known.set(vm, rows)
    if (initial !== null) initial.push(...news)
    else table.more(news).forEach(session.print)
  }
}

function keyOf(row: Row, { keyCells }: Columns): string {
  return row.slice(0, keyCells).join('\n')
}

/** Rows that are new or another than before, and those that are gone. Growing older is no change. */
function changed(before: ReadonlyMap<string, Row>, now: ReadonlyMap<string, Row>, columns: Columns): readonly Row[] {
  const age = columns.head.indexOf('AGE')
  const plain = (row: Row | undefined): string => JSON.stringify(row?.filter((_, column) => column !== age))
  const gone = [...before].filter(([key]) => !now.has(key)).map(([, row]) => [...row.slice(0, columns.keyCells), 'Gone', ...row.slice(columns.keyCells + 1).map(() => '')])
  return [...[...now].filter(([key, row]) => plain(before.get(key)) !== plain(row)).map(([, row]) => row), ...gone]
}
