import { checkLocalPath } from '../../../core/manifest/local-path.ts'
import { HotplugError } from '../../../errors.ts'
import type { Exposure } from '../../../model/record.ts'
import { type Footprint, type LocalSource, type ResolvedSource, type SourceIdentity, sourceName, type SourceSpec } from '../../../model/source.ts'
import type { Sources } from '../../../ports/host.ts'
import { addon, type LookedUpBlock, type LookedUpFile, type SizeQuestion } from '../binding.ts'
import { HostGuard } from './host-guard.ts'
import { unlessAborted } from '../in-time.ts'
import { isImage, refusalOf } from './looked-up.ts'
import { PathFootprints } from '../path-footprints.ts'
import { checkQcow2, qcow2SizeBytes } from './qcow2-header.ts'
import { SharedReadings } from '../shared-reading.ts'
import { SizeReader } from './size-reader.ts'
import { failed, isSystemFailure, meansAbsent } from '../system-failure.ts'

/**
 * Sources of kind `local`: devices, images and directories with an image on this host. Needs root.
 *
 * @param options.sysfs where sysfs is mounted; tests give a tree of stacks that their kernel cannot build.
 */
export function createSources({ sysfs = '/sys' }: { readonly sysfs?: string } = {}): Sources {
  return new LocalSources(sysfs)
}

class LocalSources implements Sources {
  readonly #sysfs: string
  readonly #guard: HostGuard
  readonly #footprints: PathFootprints
  readonly #sizes: SizeReader
  readonly #resolving = new SharedReadings<ResolvedSource>()
  readonly #identifying = new SharedReadings<SourceIdentity | null>()

  constructor(sysfs: string) {
    this.#sysfs = sysfs
    this.#guard = new HostGuard(sysfs)
    this.#footprints = new PathFootprints(async (path) => (await addon.footprintsOfPaths([path], sysfs))[0] ?? null)
    this.#sizes = new SizeReader(sysfs)
  }

  async resolve(source: SourceSpec, signal?: AbortSignal): Promise<ResolvedSource> {
    if (source.kind !== 'local') throw new HotplugError('InternalError', `${sourceName(source)} is no source of this host`)
    const invalid = checkLocalPath(source.path)
    if (invalid !== null) throw invalid
    return unlessAborted(this.#resolving.now(JSON.stringify(source), () => this.#resolve(source)), signal)
  }

  identify({ path }: Exposure): Promise<SourceIdentity | null> {
    return this.#identifying.now(path, () => identify(path, this.#sysfs))
  }

  footprints(paths: readonly string[]): Promise<readonly (Footprint | null)[]> {
    return this.#footprints.of(paths)
  }

  sizes(sources: readonly SizeQuestion[]): readonly (number | null)[] {
    return this.#sizes.now(sources)
  }

  async #resolve(source: LocalSource): Promise<ResolvedSource> {
    const [image, facts] = await Promise.all([this.#lookUp(source), this.#guard.facts()])
    await this.#guard.proveFree(image, facts)
    return resolved(source, image)
  }

  async #lookUp({ path, format }: LocalSource): Promise<LookedUpBlock | LookedUpFile> {
    const found = await addon.lookUpSource(path, format === 'qcow2', this.#sysfs).catch((error: unknown) => {
      throw lookUpFailed(path, error)
    })
    if (!isImage(found)) throw refusalOf(path, found)
    const unusable = checkLocalPath(found.path)
    if (unusable !== null) throw new HotplugError('SourceNotSupported', `${path} leads to a path that cannot be used: ${unusable.message}`, { detail: { path } })
    if (found.sizeBytes === 0) throw new HotplugError('SourceEmpty', `${found.path} has no bytes`, { detail: { path: found.path } })
    return found
  }
}

function resolved({ format }: LocalSource, image: LookedUpBlock | LookedUpFile): ResolvedSource {
  const mismatch = format === 'qcow2' ? checkQcow2(image.path, image.head) : null
  if (mismatch !== null) throw mismatch
  const { path, footprint } = image
  const sizeBytes = format === 'qcow2' ? qcow2SizeBytes(image.head) : image.sizeBytes
  return { path, identity: identityOf(image), footprint, sizeBytes, format }
}

function identityOf(image: LookedUpBlock | LookedUpFile): SourceIdentity {
  if (image.kind === 'block') return { kind: 'block', device: image.device, diskseq: image.diskseq }
  return { kind: 'file', filesystem: image.filesystem, inode: image.inode }
}

/** ESTALE: something else came under the name while it was looked at. */
function lookUpFailed(path: string, error: unknown): HotplugError {
  const moved = isSystemFailure(error) && error.code === 'ESTALE' && error.syscall === 'fstatat'
  return failed(moved ? 'SourceChanged' : 'SourceUnreadable', `look up ${path}`, error)
}

async function identify(path: string, sysfs: string): Promise<SourceIdentity | null> {
  try {
    const { what, device, diskseq, filesystem, inode } = await addon.identifyNotFollowing(path, sysfs)
    if (what === 'block device') return { kind: 'block', device, diskseq }
    if (what === 'regular file') return { kind: 'file', filesystem, inode }
    throw new HotplugError('UnsafePath', `${path} is a ${what} by now`, { detail: { path, what } })
  } catch (error) {
    if (error instanceof HotplugError) throw error
    if (meansAbsent(error)) return null
    throw failed('SourceUnreadable', `look at ${path}`, error)
  }
}
