import { mkdtemp, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import { helm } from '../support/kubernetes/binaries.ts'
import { PROJECT } from '../support/paths.ts'

/** The chart's folder. */
export const CHART = join(PROJECT, 'helm/hotplugd')

/** The release that tests make, and its namespace. */
export const RELEASE = 'plug'
export const NAMESPACE = 'hotplug-system'

/** A Kubernetes object as far as tests look at it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> }
  // oxlint-disable-next-line typescript/no-explicit-any -- objects of any kind, read in assertions
  readonly [field: string]: any
}

/** Runs helm with directories of its own, so that nothing of whoever runs the tests is read or written. */
export const runHelm = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), 'hotplugd-helm-'))
  const own = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home }
  try {
    const { stdout } = await promisify(execFile)(await helm(), [...args], { env: { PATH: process.env['PATH'], HOME: home, ...own, ...environment }, maxBuffer: 1 << 26 })
    return stdout
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** `--set` for each value; a value is JSON. */
export const settings = (values: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`])

/** What `helm template` makes of the values, as objects. */
export const template = async (values: Readonly<Record<string, unknown>> = {}): Promise<KubernetesObject[]> => objectsOf(await templateText(values))

/** The same as text. */
const templateText = (values: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  runHelm(['template', RELEASE, CHART, '--namespace', NAMESPACE, ...settings(values)])

/** The objects of a YAML stream; a key given twice is an error. */
const objectsOf = (text: string): KubernetesObject[] =>
  parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS() as KubernetesObject | null
    })
    .filter((object) => object !== null)

/** The only object of that kind. */
export const one = (objects: readonly KubernetesObject[], kind: string): KubernetesObject => {
  const [object, ...more] = objects.filter((object) => object.kind === kind)
  if (object === undefined || more.length > 0) throw new Error(`${object === undefined ? 'no' : 'more than one'} ${kind}`)
  return object
}

/** A YAML text as a plain value. */
export const yamlValue = (text: string): unknown => parse(text)
