import { suggestion } from '../../config/nearest.ts'
import type { VolumeObject } from '../../http/objects/volume-object.ts'
import { causeOf } from '../cause.ts'
import { usageFailure } from '../failure.ts'
import { volumePath } from '../paths.ts'
import { takePositionals } from '../positionals.ts'
import { printObject } from '../print-object.ts'
import type { Session } from '../session.ts'
import { formatSize, printable, Table } from '../table.ts'
import { ageOf } from '../volume-columns.ts'

/** `hotplugctl describe volume VM NAME`. */
export async function describe(session: Session): Promise<void> {
  const [kind = '', vm = '', name = ''] = takePositionals(session, 'describe', ["the word 'volume'", 'the VM', "the volume's name"])
  if (kind !== 'volume' && kind !== 'volumes') throw usageFailure(`describe: unknown kind '${kind}'${suggestion(kind, ['volume'])}`, 'describe')
  const volume = await session.client.get<VolumeObject>(volumePath(session.namespace, vm, name))
  if (await printObject(session, volume)) return
  printFacts(session, factsOf(volume, `${session.namespace}/${vm}`))
  printConditions(session, volume)
  printStages(session, volume)
}

function factsOf(volume: VolumeObject, vm: string): readonly (readonly [string, string | undefined])[] {
  const { size } = volume
  return [
    ['Name', volume.name], ['VM', vm],
    ['Phase', volume.phase === undefined ? undefined : `${volume.phase} (for ${ageOf(volume) || '-'})`],
    ['Reason', volume.reason], ['Message', volume.message === undefined ? undefined : causeOf(volume.message, volume)], ['Remedy', volume.remedy],
    ['Target', volume.target], ['Serial', volume.serial],
    ['Size', size === undefined ? undefined : `${formatSize(size)} (${size} bytes)`],
    ['Source', volume.source], ['Hot-plugged', volume.hotplugVolume === undefined ? 'no' : 'yes'], ['Origin', volume.origin],
    ['Persisted', volume.persisted === undefined ? undefined : volume.persisted ? 'yes' : 'no'],
  ]
}

/** Names and values in two columns; unknown ones are left out. */
export function printFacts(session: Session, facts: readonly (readonly [string, string | undefined])[]): void {
  const known = facts.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(...known.map(([name]) => name.length)) + 1
  for (const [name, value = ''] of known) session.print(`${`${name}:`.padEnd(width)}  ${printable(value)}`)
}

function printConditions(session: Session, volume: VolumeObject): void {
  const { conditions = [] } = volume
  if (conditions.length === 0) return
  session.print('Conditions:')
  const rows = conditions.map(({ type, status, reason, lastTransitionTime, message }) => [type, status, reason, lastTransitionTime, causeOf(message, volume)])
  new Table(['TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE']).full(rows).forEach(line => session.print(`  ${line}`))
}

function printStages(session: Session, { stages = [] }: VolumeObject): void {
  if (stages.length === 0) return
  session.print('Stages:')
  const rows = stages.map(({ name, startedAt, durationMs }) => [name, startedAt, durationMs.toFixed(1)])
  new Table(['STAGE', 'STARTED', 'MS']).full(rows).forEach(line => session.print(`  ${line}`))
}
