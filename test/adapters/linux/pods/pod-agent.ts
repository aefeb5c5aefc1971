/**
 * pod-agent.js OPTIONS: an agent's acts on pods in a process of their own, which a test can take privileges from. OPTIONS is
 * JSON: where the node is, the launcher and its attachment pods. Each line of standard input is the name of a volume, which
 * is looked up, exposed, identified and released; each answer is a line of JSON.
 */
import { createInterface } from 'node:readline'
import { createLauncherExposures } from '../../../../src/adapters/linux/pods/launcher-exposures.ts'
import { openLauncherLibvirt } from '../../../../src/adapters/linux/pods/launcher-libvirt.ts'
import { createPodSources } from '../../../../src/adapters/linux/pods/pod-sources.ts'
import { HotplugError } from '../../../../src/errors.ts'
import { vmKey } from '../../../../src/model/ids.ts'
import type { AttachmentPod, LauncherPod } from '../../../../src/model/pods.ts'

export interface PodAgentOptions {
  readonly kubeletDir: string
  readonly cgroupRoot: string
  readonly launcher: LauncherPod
  readonly attachments: Readonly<Record<string, readonly AttachmentPod[]>>
}

export interface PodAgentAnswer {
  readonly exposed: boolean
  readonly same: boolean
  readonly released: boolean
  readonly libvirt: boolean
  readonly error?: string
}

const { kubeletDir, cgroupRoot, launcher, attachments } = JSON.parse(process.argv[2] ?? '') as PodAgentOptions
const VM = vmKey({ namespace: 'default', name: 'vmi1' })
const pods = { launcher: () => launcher, attachments: (_vm: unknown, volume: string) => attachments[volume] ?? [] }
const sources = createPodSources({ pods, kubeletDir, cgroupRoot })
const exposures = createLauncherExposures({ pods, kubeletDir, cgroupRoot })

async function tryVolume(volume: string): Promise<PodAgentAnswer> {
  const done = { exposed: false, same: false, released: false, libvirt: false }
  try {
    const source = await sources.resolve({ kind: 'claim', vm: VM, volume, claim: volume, format: 'raw' })
    const exposure = exposures.plan(source)
    await exposures.expose(VM, exposure, source)
    done.exposed = true
    done.same = JSON.stringify(await sources.identify(exposure)) === JSON.stringify(source.identity)
    await exposures.release(VM, exposure)
    done.released = (await sources.identify(exposure)) === null
    const libvirt = await openLauncherLibvirt(launcher.uid, { cgroupRoot })
    libvirt.close()
    return { ...done, libvirt: true }
  } catch (error) {
    return { ...done, error: error instanceof HotplugError ? `${error.reason}: ${error.message}` : String(error) }
  }
}

for await (const volume of createInterface(process.stdin)) console.log(JSON.stringify(await tryVolume(volume)))
exposures.close()
