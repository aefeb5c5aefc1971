import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PROJECT } from '../support/paths.ts'
import { promtool } from '../support/promtool.ts'
import { CHART, one, template, yamlValue } from './chart.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
interface Cases {
  readonly tests: readonly { readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[] }[]
}

const ALERTS = join(CHART, 'files/alerts.yaml')
const CASES = join(PROJECT, 'test/helm/alerts.promtool.yaml')
const { groups } = yamlValue(await readFile(ALERTS, 'utf8')) as Rules
const rules = groups.flatMap((group) => group.rules)
const { tests } = yamlValue(await readFile(CASES, 'utf8')) as Cases
const verdicts = tests.flatMap(({ alert_rule_test }) => alert_rule_test)

t.test('promtool understands them', async (t) => {
  t.equal(await promtool(['check', 'rules', ALERTS]), '')
})

t.test('each fires when it should, and not else', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-alerts-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'cases.yaml')
  await writeFile(file, (await readFile(CASES, 'utf8')).replace('ALERTS', ALERTS))
  t.equal(await promtool(['test', 'rules', file]), '')
})

t.test('each is tried firing and silent, and has its section in the runbook', async (t) => {
  const runbook = await readFile(join(PROJECT, 'docs/operations.md'), 'utf8')
  for (const { alert, annotations } of rules) {
    const own = verdicts.filter(({ alertname }) => alertname === alert)
    t.ok(own.some(({ exp_alerts = [] }) => exp_alerts.length > 0), `${alert} fires`)
    t.ok(own.some(({ exp_alerts = [] }) => exp_alerts.length === 0), `${alert} is silent`)
    t.ok(runbook.includes(`\n### ${alert}\n`), `${alert} has a section`)
    t.equal(annotations['runbook_url'], `docs/operations.md#${alert.toLowerCase()}`)
  }
})

t.test('they rest on metrics that hotplugd has', async (t) => {
  const runbook = await readFile(join(PROJECT, 'docs/operations.md'), 'utf8')
  const used = rules.flatMap(({ expr }) => [...expr.matchAll(/hotplugd_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')))
  for (const name of new Set(used)) t.match(runbook, new RegExp(`^\\|[^|]*\`${name}\``, 'm'), name)
})

t.test('the chart ships the same ones', async (t) => {
  t.notOk((await template()).some(({ kind }) => kind === 'PrometheusRule'))
  const base = 'https://docs.example/hotplugd/'
  const rule = one(await template({ 'metrics.prometheusRule': { enabled: true, labels: { team: 'storage' }, runbookBase: base } }), 'PrometheusRule')
  t.match(rule.metadata.labels, { team: 'storage', 'app.kubernetes.io/name': 'hotplugd' })
  const expected = groups.map((group) => ({ ...group, rules: group.rules.map((one) => ({ ...one, annotations: { ...one.annotations, runbook_url: `${base}${one.annotations['runbook_url']}` } })) }))
  t.same(rule['spec'].groups, expected)
})
