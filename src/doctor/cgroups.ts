import { accessSync, constants, existsSync } from 'node:fs'
import { kernelFeatures } from '../adapters/linux/kernel-features.ts'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

const ROOT = '/sys/fs/cgroup'

/** Only launchers have device rules to be changed; elsewhere it is told, for whoever reads the report. */
export function lookAtCgroups({ config }: Surroundings): readonly Finding[] {
  const version = existsSync(`${ROOT}/cgroup.controllers`) ? 2 : existsSync(`${ROOT}/devices`) ? 1 : null
  if (config.mode === 'standalone') return [ok('cgroups', version === null ? 'none are mounted, and none are needed' : `version ${version}; none are changed`)]
  if (version === null) return [failed('cgroups', `${ROOT} has neither version 2 nor the devices of version 1`, "Mount the node's /sys/fs/cgroup into the pod (the Helm chart does).")]
  return version === 2 ? lookAtPrograms() : lookAtFiles()
}

function lookAtPrograms(): readonly Finding[] {
  const refused = kernelFeatures().get('bpf') ?? null
  if (refused === null) return [ok('cgroups', 'version 2, and its device programs can be read')]
  return [failed('cgroups', `version 2, and bpf is refused: ${refused}`, 'Give the container CAP_SYS_ADMIN, and a seccomp profile that allows bpf with it.')]
}

function lookAtFiles(): readonly Finding[] {
  try {
    accessSync(`${ROOT}/devices/devices.list`, constants.R_OK)
    return [ok('cgroups', 'version 1, with its devices')]
  } catch (thrown) {
    return [warning('cgroups', `version 1: ${wordsOf(thrown)}`, "Mount the node's /sys/fs/cgroup into the pod, writable.")]
  }
}
