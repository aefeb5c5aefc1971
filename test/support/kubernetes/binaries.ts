import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../cache.ts'
import { supportFile } from '../paths.ts'
import { goBuild, type GoBuild, type Progress } from './go.ts'

const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'] as const

/** A program of Kubernetes that the lab runs. */
export type KubernetesProgram = (typeof KUBERNETES)[number]

const SILENT: Progress = { say: () => undefined, log: () => undefined }

/** The path of a program of Kubernetes: of KUBEBUILDER_ASSETS where that has it, else built once on this machine (minutes). */
export const kubernetesProgram = async (name: KubernetesProgram, progress: Progress = SILENT): Promise<string> =>
  (await ready(name)) ?? join(await built('kubernetes', await kubernetesBuild(), progress), name)

/** kubectl's path. */
export const kubectl = (): Promise<string> => kubernetesProgram('kubectl')

/** The path of a real helm. */
export const helm = async (progress: Progress = SILENT): Promise<string> =>
  join(await built('helm', { module: supportFile('kubernetes/go/helm'), packages: ['helm.sh/helm/v4/cmd/helm'], linkerFlags: '-s -w' }, progress), 'helm')

/** etcd's path: from the same folder, or Debian's. */
export const etcd = async (): Promise<string> => (await ready('etcd')) ?? 'etcd'

/** Builds all that is missing. */
export const buildAll = async (progress: Progress): Promise<void> => {
  await kubernetesProgram('kubelet', progress)
  await helm(progress)
}

const ready = async (name: string): Promise<string | null> => {
  const folder = process.env['KUBEBUILDER_ASSETS']
  const path = join(folder ?? '', name)
  return folder && (await stat(path).then(() => true, () => false)) ? path : null
}

const built = async (kind: string, build: GoBuild, progress: Progress): Promise<string> => {
  const sums = await Promise.all(['go.mod', 'go.sum'].map((name) => readFile(join(build.module, name), 'utf8')))
  return cached(kind, [...sums, ...build.packages, build.linkerFlags], (into) => {
    progress.say(`building ${build.packages.map((path) => path.split('/').at(-1)).join(', ')} from Go modules (once; minutes)`)
    return goBuild(build, into, progress)
  })
}

/** The version that programs say they are comes from the linker, as in Kubernetes' own builds; the kubelet and its API server compare theirs. */
const kubernetesBuild = async (): Promise<GoBuild> => {
  const module = supportFile('kubernetes/go/kubernetes')
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(await readFile(join(module, 'go.mod'), 'utf8')) ?? []
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor }
  const linkerFlags = ['-s -w', ...Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)].join(' ')
  return { module, packages: KUBERNETES.map((name) => `k8s.io/kubernetes/cmd/${name}`), linkerFlags }
}
