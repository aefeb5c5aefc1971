import type { ExplanationObject } from '../../http/objects/explanation-object.ts'
import { printFacts } from './describe.ts'
import { volumePath } from '../paths.ts'
import { takePositionals } from '../positionals.ts'
import { printObject } from '../print-object.ts'
import type { Session } from '../session.ts'
import { printable } from '../table.ts'

/** `hotplugctl explain VM NAME`. */
export async function explain(session: Session): Promise<void> {
  const [vm = '', name = ''] = takePositionals(session, 'explain', ['the VM', "the volume's name"])
  const explanation = await session.client.get<ExplanationObject>(`${volumePath(session.namespace, vm, name)}/explain`)
  if (await printObject(session, explanation)) return
  session.print(printable(explanation.summary))
  printFacts(session, [
    ['  Reason', explanation.reason], ['  Cause', explanation.reason === 'VolumeReady' ? undefined : explanation.message], ['  Remedy', explanation.remedy], ['  More', explanation.reason === 'VolumeReady' ? undefined : `docs/reasons.md#${explanation.reason.toLowerCase()}`],
    ['  Since', explanation.since ?? undefined], ['  Wanted', explanation.wanted], ['  Phase', explanation.phase ?? undefined],
    ['  Reached', explanation.reached ?? 'no stage yet'], ['  Next', explanation.next], ['  Attempts', explanation.attempts === 0 ? undefined : String(explanation.attempts)],
    ...explanation.besides.map(problem => ['  Besides', problem] as const),
    ...Object.entries(explanation.evidence).map(([fact, value]) => [`  ${printable(fact)}`, String(value)] as const),
  ])
}
