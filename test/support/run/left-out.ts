import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What prepare.sh leaves where Kubernetes could not be had. */
const NO_KUBERNETES = 'out/no-kubernetes'
const NEEDS_KUBERNETES = /support\/kubernetes\/|\/kubernetes\/lab\.js|on-cluster\.js|image\/build\.js/

/** Of the compiled tests those that cannot run here, because they need a real Kubernetes or the built image. */
export const leftOut = (project: string, files: readonly string[]): readonly string[] => {
  if (!existsSync(join(project, NO_KUBERNETES))) return []
  const places = /^out\/test\/(support\/kubernetes|system\/kubernetes|helm|image)\//
  return files.filter((file) => places.test(file) || NEEDS_KUBERNETES.test(readFileSync(join(project, file), 'utf8')))
}
