import { readdirSync } from 'node:fs'
import { failed, ok, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** The kubelet's directories, where launchers and attachment pods are. */
export function lookAtNode({ config }: Surroundings): readonly Finding[] {
  const pods = `${config.kubeletDir}/pods`
  try {
    return [ok('kubelet-dir', `${pods} has ${readdirSync(pods).length} pods`)]
  } catch (thrown) {
    return [failed('kubelet-dir', `${pods} cannot be read: ${wordsOf(thrown)}`, "Say --kubelet-dir (the chart's kubeletDir) as the kubelet's --root-dir is, and mount its pods into the agent's pod.")]
  }
}
