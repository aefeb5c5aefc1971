import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { CHART, template, yamlValue } from './chart.ts'

const REFUSED: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ nope: 1 }, /additional properties 'nope' not allowed/],
  [{ 'agent.nope': 1 }, /'\/agent': additional properties 'nope' not allowed/],
  [{ 'agent.role': 'boss' }, /'\/agent\/role': value must be one of 'auto', 'agent', 'companion'/],
  [{ 'agent.hotplug': 'yes' }, /'\/agent\/hotplug': got string, want boolean/],
  [{ 'agent.sourceLostPolicy': 'Kill' }, /'\/agent\/sourceLostPolicy': value must be one of 'Report', 'Stop'/],
  [{ 'agent.sourceLostGrace': 'soon' }, /'\/agent\/sourceLostGrace': 'soon' does not match/],
  [{ 'agent.extraArgs': ['call-deadline'] }, /'\/agent\/extraArgs\/0': 'call-deadline' does not match/],
  [{ kubeletDir: 'var/lib/kubelet' }, /'\/kubeletDir': 'var\/lib\/kubelet' does not match/],
  [{ kubeletDir: '/var/../lib' }, /'\/kubeletDir'/],
  [{ kubeletDir: '/var/lib/' }, /'\/kubeletDir'/],
  [{ runDir: '/' }, /'\/runDir'/],
  [{ 'metrics.port': 0 }, /'\/metrics\/port': minimum: got 0, want 1/],
  [{ 'metrics.port': '9480' }, /'\/metrics\/port': got string, want integer/],
  [{ 'metrics.listenAddress': '::' }, /'\/metrics\/listenAddress': '::' does not match/],
  [{ 'metrics.prometheusRule.runbookBase': 'docs' }, /'\/metrics\/prometheusRule\/runbookBase': 'docs' does not match/],
  [{ 'image.repository': '' }, /'\/image\/repository'/],
  [{ 'image.digest': 'sha256:1' }, /'\/image\/digest'/],
  [{ 'image.pullPolicy': 'Sometimes' }, /'\/image\/pullPolicy': value must be one of/],
  [{ imagePullSecrets: ['pull'] }, /'\/imagePullSecrets\/0': got string, want object/],
  [{ podLabels: { 'app.kubernetes.io/name': 'mine' } }, /'\/podLabels\/app.kubernetes.io~1name'/],
  [{ 'updateStrategy.maxUnavailable': 0 }, /'\/updateStrategy\/maxUnavailable'/],
  [{ appArmorProfile: { type: 'None' } }, /'\/appArmorProfile/],
  [{ privileged: true }, /additional properties 'privileged' not allowed/],
]

for (const [values, message] of REFUSED) {
  t.test(`refused: ${JSON.stringify(values)}`, (t) => t.rejects(template(values), message))
}

interface Schema {
  readonly additionalProperties?: boolean | Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

/** Places where values.yaml and schema name different keys, and objects that let unknown keys pass. */
function differences(schema: Schema, values: unknown, place: string): readonly string[] {
  if (schema.properties === undefined) return []
  const known = Object.keys(schema.properties).filter((key) => key !== 'global')
  const given = Object.keys(values as object)
  return [
    ...(schema.additionalProperties === false ? [] : [`${place} is open`]),
    ...given.filter((key) => !known.includes(key)).map((key) => `${place}.${key} is not in the schema`),
    ...known.filter((key) => !given.includes(key)).map((key) => `${place}.${key} has no default`),
    ...known.flatMap((key) => differences(schema.properties?.[key] ?? {}, (values as Record<string, unknown>)[key] ?? {}, `${place}.${key}`)),
  ]
}

const FREE = /^values\.(resources\.claims|(affinity|seLinuxOptions)\.\w+) has no default$/

t.test('values.yaml and schema know the same values', async (t) => {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema
  const values = yamlValue(await readFile(join(CHART, 'values.yaml'), 'utf8'))
  t.same(differences(schema, values, 'values').filter((difference) => !FREE.test(difference)), [])
})
