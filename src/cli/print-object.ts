import type { Session } from './session.ts'

/** Prints an object as the daemon gave it, if `-o json` or `-o yaml` asks for that. False: a table is wanted. */
export async function printObject(session: Session, object: object): Promise<boolean> {
  const form = session.text('output')
  if (form === 'json') session.print(JSON.stringify(object, null, 2))
  if (form === 'yaml') session.print((await import('yaml')).stringify(object).trimEnd())
  return form === 'json' || form === 'yaml'
}
