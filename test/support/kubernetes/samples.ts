import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { supportFile } from '../paths.ts'

/** An object as a real node under KubeVirt 1.9 had it: `vmi-add-b1-04-AttachedToNode`, `launcher-pod`, … */
export function sample(name: string): unknown {
  const known = read.get(name) ?? parse(readFileSync(supportFile(`kubernetes/samples/${name}.yaml`), 'utf8'))
  read.set(name, known)
  return structuredClone(known)
}

const read = new Map<string, unknown>()

/** The same with some values replaced, by path: `{ 'status.nodeName': 'node2' }`. Undefined removes. */
export function sampleWith(name: string, changes: Readonly<Record<string, unknown>>): unknown {
  const object = sample(name)
  for (const [path, value] of Object.entries(changes)) put(object, path.split('.'), value)
  return object
}

function put(object: unknown, [key = '', ...rest]: readonly string[], value: unknown): void {
  const holder = object as Record<string, unknown>
  if (rest.length > 0) return put(holder[key] ??= {}, rest, value)
  if (value === undefined) delete holder[key]
  else holder[key] = value
}
