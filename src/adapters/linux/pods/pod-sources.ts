import { join } from 'node:path'
import { checkVolumeName } from '../../../core/disk/volume-name.ts'
import { HotplugError } from '../../../errors.ts'
import type { VmKey } from '../../../model/ids.ts'
import type { AttachmentPod, LauncherPod } from '../../../model/pods.ts'
import type { Exposure } from '../../../model/record.ts'
import type { ClaimSource, Footprint, ResolvedSource, SourceIdentity, SourceSpec } from '../../../model/source.ts'
import type { SizeQuestion, Sources } from '../../../ports/host.ts'
import type { Pods } from '../../../ports/pods.ts'
import { lookUpInPod, type LookUp } from './attachment-look-up.ts'
import { addon } from '../binding.ts'
import { ExposedView } from './exposed-view.ts'
import { unlessAborted } from '../in-time.ts'
import { knownPods, type KnownPods } from './known-pods.ts'
import { entryName, exposedPath, launcherHandle, writeHandle } from './launcher-handle.ts'
import { PathFootprints } from '../path-footprints.ts'
import type { PodBlock, PodFile } from './pod-binding.ts'
import { PodHostGuard } from './pod-host-guard.ts'
import { PodSizes } from './pod-sizes.ts'
import type { NodeRoots } from './pod-views.ts'
import { isRuleOurs } from './rule-owner.ts'
import { SharedReadings } from '../shared-reading.ts'
import { failed } from '../system-failure.ts'

export interface PodSourcesOptions extends NodeRoots {
  readonly pods: Pick<Pods, 'launcher' | 'attachments'>
  /** The kubelet's directory, as the agent sees it. */
  readonly kubeletDir: string
  /** @default '/sys' */
  readonly sysfs?: string
}

/**
 * Sources of kind `claim`: what attachment pods on this node hold. Opens no block device and changes nothing. A launcher is
 * known by its UID from the API server, what runs in it by its control group; everything a tenant could change is reached by
 * descriptors without following links (invariant I4).
 */
export function createPodSources(options: PodSourcesOptions): Sources {
  return new PodSources(options)
}

class PodSources implements Sources {
  readonly #pods: PodSourcesOptions['pods']
  readonly #roots: { readonly podsDirectory: string; readonly proc: string; readonly sysfs: string }
  readonly #guard: PodHostGuard
  readonly #known: KnownPods
  readonly #exposed: ExposedView
  readonly #footprints: PathFootprints
  readonly #sizes: PodSizes
  readonly #resolving = new SharedReadings<ResolvedSource>()
  readonly #identifying = new SharedReadings<SourceIdentity | null>()

  constructor(options: PodSourcesOptions) {
    const { pods, kubeletDir, sysfs = '/sys', proc = '/proc' } = options
    this.#pods = pods
    this.#roots = { podsDirectory: join(kubeletDir, 'pods'), proc, sysfs }
    this.#known = knownPods(options)
    this.#guard = new PodHostGuard(sysfs, proc)
    this.#exposed = new ExposedView({ known: this.#known, podsDirectory: this.#roots.podsDirectory, sysfs })
    this.#footprints = new PathFootprints((key) => this.#footprintOf(key))
    this.#sizes = new PodSizes(this.#exposed, sysfs)
  }

  resolve(source: SourceSpec, signal?: AbortSignal): Promise<ResolvedSource> {
    if (source.kind !== 'claim') throw new HotplugError('SourceNotSupported', `sources of kind ${source.kind} are not for this mode`)
    const { vm, volume, claim } = source
    return unlessAborted(this.#resolving.now(JSON.stringify([vm, volume, claim]), () => this.#resolve(source)), signal)
  }

  identify({ handle }: Exposure): Promise<SourceIdentity | null> {
    const read = launcherHandle(handle)
    return this.#identifying.now(`${read.launcher} ${entryName(read)}`, () => this.#exposed.identify(read))
  }

  footprints(paths: readonly string[], vm: VmKey): Promise<readonly (Footprint | null)[]> {
    const launcher = this.#pods.launcher(vm)
    if (launcher === null) return Promise.resolve(paths.map(() => null))
    return this.#footprints.of(paths.map((path) => `${launcher.uid} ${path}`))
  }

  sizes(sources: readonly SizeQuestion[]): readonly (number | null)[] {
    return this.#sizes.now(sources)
  }

  async #resolve(source: ClaimSource): Promise<ResolvedSource> {
    const { vm, volume } = source
    const invalid = checkVolumeName(volume)
    if (invalid !== null) throw invalid
    const launcher = this.#pods.launcher(vm)
    if (launcher === null) throw new HotplugError('LauncherNotFound', `${vm} has no launcher pod on this node`)
    const [[attachment, found], facts] = await Promise.all([this.#find(source, launcher), this.#guard.facts()])
    this.#guard.proveFree(found, facts)
    const identity = identityOf(found)
    const ownRule = found.kind === 'block' && (await this.#isRuleOurs(launcher.uid, volume, found.device))
    const handle = writeHandle({ launcher: launcher.uid, attachment: attachment.uid, volume, ownRule, identity })
    return { path: exposedPath({ volume, identity }), identity, footprint: found.footprint, sizeBytes: found.sizeBytes, format: 'raw', handle }
  }

  /** The first attachment pod that has it; a replacement pod may leave out what is plugged already. */
  async #find({ vm, volume, claim }: ClaimSource, launcher: LauncherPod): Promise<readonly [AttachmentPod, PodBlock | PodFile]> {
    const attachments = this.#pods.attachments(vm, volume)
    const absences: string[] = []
    for (const attachment of attachments) {
      const found = await lookUpInPod(attachment, volume, this.#known, this.#roots)
      if (found.kind !== 'absent') return [attachment, found]
      absences.push(describeAbsence(attachment, found))
    }
    const detail = { claim, launcher: launcher.uid }
    if (attachments.length === 0) throw new HotplugError('SourceMissing', `no attachment pod of ${vm} holds claim ${claim} on this node`, { remedy: 'Wait for the attachment pod of the VM, or look why it is not made.', detail })
    const isStarting = attachments.every(({ ready }) => !ready)
    throw new HotplugError(isStarting ? 'AttachmentPodNotReady' : 'SourceMissing', `claim ${claim} was not found: ${absences.join('; ')}`, { detail })
  }

  async #isRuleOurs(launcherUid: string, volume: string, device: string): Promise<boolean> {
    const view = await this.#known.launcher(launcherUid)
    if (view === null) return true
    return isRuleOurs(view.cgroups, device, () => this.#exposed.isNodeOf(launcherUid, volume, device)).catch((error: unknown) => {
      throw failed('SourceUnreadable', `read the device rules of launcher pod ${launcherUid}`, error)
    })
  }

  async #footprintOf(key: string): Promise<Footprint | null> {
    const space = key.indexOf(' ')
    const path = key.slice(space + 1)
    const found = await this.#known.inLauncher(key.slice(0, space), ({ process }) => addon.footprintsInPod(process, [path], this.#roots.sysfs))
    return found?.[0] ?? null
  }
}

function identityOf(found: PodBlock | PodFile): SourceIdentity {
  if (found.kind === 'block') return { kind: 'block', device: found.device, diskseq: found.diskseq }
  return { kind: 'file', filesystem: found.filesystem, inode: found.inode }
}

function describeAbsence(pod: AttachmentPod, { why }: Extract<LookUp, { kind: 'absent' }>): string {
  const condition = pod.terminating ? ' (being deleted)' : pod.ready ? '' : ' (not ready)'
  return `attachment pod ${pod.name}${condition}: ${why}`
}
