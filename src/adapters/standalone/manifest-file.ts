import { readManifest, type ManifestReading } from '../../core/manifest/manifest.ts'
import type { Path } from '../../core/manifest/manifest-shape.ts'
import type { DesiredProblem, DesiredVolume } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import { parseYaml, type YamlDocument } from './yaml-document.ts'

/** The largest manifest that is read, in bytes. */
export const LARGEST_BYTES = 1024 * 1024
const MOST_PROBLEMS = 20

/** What one manifest says of one VM. */
export interface VmManifest {
  readonly vm: VmKey
  readonly volumes: readonly DesiredVolume[]
}

/** A file that was understood as a whole, or not at all. */
export type ManifestFileReading = { readonly valid: true; readonly manifests: readonly VmManifest[] } | InvalidManifest

/** What is wrong with a file, and the VMs that could still be told. */
export interface InvalidManifest {
  readonly valid: false
  readonly problems: readonly DesiredProblem[]
  readonly vms: readonly VmKey[]
}

/**
 * Reads a manifest file: one or more YAML documents of kind VirtualMachineInstance, each of another VM. Never throws.
 * One fault anywhere makes the whole file invalid; each problem names file, line, column and key, what was found and
 * what is allowed. An empty file is invalid too: an editor may be about to fill it, and only a deleted file means "nothing".
 */
export function readManifestFile(file: string, bytes: Uint8Array): ManifestFileReading {
  if (bytes.length > LARGEST_BYTES) return refuse(file, `found more than ${LARGEST_BYTES} bytes, allowed: at most that many`)
  try {
    return judge(file, parseYaml(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (error) {
    return refuse(file, explain(error))
  }
}

/** The answer for a file that could not be read at all. */
export function refuse(file: string, why: string): InvalidManifest {
  return { valid: false, problems: [manifestInvalid(null, `${file}: ${why}`)], vms: [] }
}

function judge(file: string, documents: readonly YamlDocument[]): ManifestFileReading {
  if (documents.length === 0) return refuse(file, 'found no document, allowed: at least one VirtualMachineInstance (delete the file to remove its volumes)')
  const readings = documents.map((document) => ({ document, ...readManifest(document.value, file) }))
  const problems = readings.flatMap((one) => problemsOf(file, one))
  const vms = [...new Set(readings.map((one) => one.vm).filter((vm) => vm !== null))]
  if (problems.length > 0) return { valid: false, problems: shorten(file, problems), vms }
  const manifests = readings.flatMap(({ vm, volumes }) => (vm === null ? [] : [{ vm, volumes }]))
  if (vms.length === manifests.length) return { valid: true, manifests }
  return { valid: false, problems: shorten(file, twins(file, manifests)), vms }
}

/** No more than will be shown: finding the line of each of a million faults takes its time. */
function problemsOf(file: string, { document, vm, faults }: ManifestReading & { readonly document: YamlDocument }): readonly DesiredProblem[] {
  const syntax = document.faults.map((one) => manifestInvalid(vm, `${file}:${one.where}: ${one.message}`))
  if (syntax.length > 0) return syntax
  const shown = faults.slice(0, MOST_PROBLEMS)
  const problems = shown.map((one) => manifestInvalid(vm, `${file}:${document.locate(one)}: ${keyOf(one.path)}: ${one.message}`))
  return faults.length > shown.length ? [...problems, manifestInvalid(vm, `${file}: and ${faults.length - shown.length} more`)] : problems
}

/** `spec.volumes[1].local.path`. */
function keyOf(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part.slice(0, 60)}`))
  return parts.join('').replace(/^\./, '') || 'document'
}

function shorten(file: string, problems: readonly DesiredProblem[]): readonly DesiredProblem[] {
  if (problems.length <= MOST_PROBLEMS) return problems
  return [...problems.slice(0, MOST_PROBLEMS), manifestInvalid(null, `${file}: and ${problems.length - MOST_PROBLEMS} more`)]
}

function twins(file: string, manifests: readonly VmManifest[]): readonly DesiredProblem[] {
  const seen = new Set<VmKey>()
  const again = manifests.filter(({ vm }) => seen.has(vm) || !seen.add(vm))
  return again.map(({ vm }) => manifestInvalid(vm, `${file}: found more than one document for the VM ${vm}, allowed: one`))
}

function manifestInvalid(vm: VmKey | null, message: string): DesiredProblem {
  return { vm, volume: null, reason: 'ManifestInvalid', message }
}

function explain(error: unknown): string {
  if (error instanceof TypeError) return 'found bytes that are not UTF-8, allowed: UTF-8 text'
  if (error instanceof RangeError) return `found collections nested too deeply (${error.message}), allowed: a VirtualMachineInstance`
  return `cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`
}
