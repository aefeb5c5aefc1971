import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PROJECT } from '../support/paths.ts'
import { one, template } from './chart.ts'

const docs = await readFile(join(PROJECT, 'docs/kubernetes.md'), 'utf8')
const rows = docs.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.slice(1).split('|').map((cell) => cell.trim()))
const objects = await template()
const pod = one(objects, 'DaemonSet')['spec'].template.spec
const [container] = pod.containers

/** Each has a row, with a reason, and no row is about something that is not there. */
const explained = (t: Test, keys: readonly string[], from: string, to: string): void => {
  const part = docs.slice(docs.indexOf(from), docs.indexOf(to))
  const told = rows.filter(([first]) => part.includes(`\n| ${first} |`)).map(([first, why]) => ((why ?? '').length > 10 ? /`([^`]+)`/.exec(first ?? '')?.[1] : `${first} without reason`))
  t.same(new Set(told), new Set(keys), from)
}

t.test('each capability and mount is explained', async (t) => {
  explained(t, container.securityContext.capabilities.add, '| capability |', 'Opening a block device')
  explained(t, container.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath), '| mount |', '### At the API server')
})

t.test('so is each verb of the role', async (t) => {
  const { rules } = one(objects, 'ClusterRole') as unknown as { rules: readonly { resources: readonly string[]; verbs: readonly string[] }[] }
  const verbs = rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${resource} ${verb}`)))
  const table = docs.slice(docs.indexOf('| resource |'), docs.indexOf('No nodes, secrets'))
  const told = [...table.matchAll(/^\| `([^`]+)` \| (.+?) \| .{10,} \|$/gm)].flatMap(([, resource, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, verb]) => `${resource} ${verb}`))
  t.same(told.sort(), verbs.sort())
})
