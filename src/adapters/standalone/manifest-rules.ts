import type { DesiredProblem, DesiredVolume } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import { sameDirectory, type DirectoryIdentity } from './directory-identity.ts'
import type { VmManifest } from './manifest-file.ts'
import type { FileRecord, ManifestLedger } from './manifest-ledger.ts'

/** What is known of one file after it came to rest; `waiting` while it may still change or come back. */
export type Observed =
  | { readonly kind: 'valid'; readonly hash: string; readonly manifests: readonly VmManifest[] }
  | { readonly kind: 'invalid'; readonly problems: readonly DesiredProblem[]; readonly vms: readonly VmKey[] }
  | { readonly kind: 'same' }
  | { readonly kind: 'waiting'; readonly reason: 'rest' | 'writer' }
  | { readonly kind: 'waiting'; readonly reason: 'longWriter'; readonly pid: number }
  | { readonly kind: 'absent' }

/** One whole look at the directory: every file that is there, or that the ledger knows. */
export interface Observation {
  readonly directory: string
  readonly identity: DirectoryIdentity
  readonly files: ReadonlyMap<string, Observed>
}

/** The ledger after a look, and what a person is to be told. */
export interface Judgement {
  readonly ledger: ManifestLedger
  readonly unreadable: readonly VmKey[]
  readonly problems: readonly DesiredProblem[]
}

/**
 * What a look at the directory changes. A volume leaves the ledger only if its file was edited, or is missing from the very
 * directory it was read from; not by a file that cannot be understood, another directory, or a second file for its VM.
 */
export function judge(before: ManifestLedger, observation: Observation): Judgement {
  const files: Record<string, FileRecord> = {}
  for (const [name, observed] of observation.files) {
    const record = advance(own(before.files, name), observed, observation.identity)
    if (record !== undefined) files[name] = record
  }
  const claims = claimsOf(files)
  const conflicts = [...claims].filter(([, claim]) => claim.files.length > 1)
  const vms = Object.fromEntries([...claims].map(([vm, claim]) => [vm, claim.files.length > 1 ? (own(before.vms, vm) ?? []) : claim.volumes]))
  const invalid = [...observation.files].flatMap(([name, observed]) => untold(observed, files[name]))
  const unreadable = [...new Set([...conflicts.map(([vm]) => vm), ...invalid.flatMap((one) => one.vms)])]
  const conflictProblems = conflicts.map(([vm, claim]) => conflict(vm, claim.files, observation.directory))
  const problems = [...invalid.flatMap((one) => one.problems), ...conflictProblems, ...writerProblems(observation), ...keptProblems(files, observation)]
  return { ledger: { files, vms }, unreadable, problems }
}

function advance(record: FileRecord | undefined, observed: Observed, directory: DirectoryIdentity): FileRecord | undefined {
  const atHome = record !== undefined && sameDirectory(record.directory, directory)
  if (observed.kind === 'absent') return atHome ? undefined : record
  if (observed.kind === 'same') return record && { ...record, directory }
  if (observed.kind !== 'valid') return record
  const { hash, manifests } = observed
  return record === undefined || atHome ? { hash, directory, manifests, kept: [] } : { hash, directory, ...keepAll(record.manifests, manifests) }
}

/** The new reading, and beside it all that the file of another directory wanted. */
function keepAll(old: readonly VmManifest[], now: readonly VmManifest[]): Pick<FileRecord, 'manifests' | 'kept'> {
  const volumesOf = (vm: VmKey): readonly DesiredVolume[] => now.find((one) => one.vm === vm)?.volumes ?? []
  const left = old.map(({ vm, volumes }) => ({ vm, volumes: volumes.filter((one) => volumesOf(vm).every((other) => other.name !== one.name)) }))
  const vms = [...new Set([...now, ...left.filter((one) => one.volumes.length > 0)].map((one) => one.vm))]
  const manifests = vms.map((vm) => ({ vm, volumes: [...volumesOf(vm), ...(left.find((one) => one.vm === vm)?.volumes ?? [])] }))
  return { manifests, kept: left.flatMap(({ vm, volumes }) => volumes.map((one) => `${vm}/${one.name}`)) }
}

interface Claim {
  readonly files: string[]
  readonly volumes: readonly DesiredVolume[]
}

function claimsOf(files: Readonly<Record<string, FileRecord>>): ReadonlyMap<VmKey, Claim> {
  const claims = new Map<VmKey, Claim>()
  for (const [file, { manifests }] of Object.entries(files)) {
    for (const { vm, volumes } of manifests) {
      const claim = claims.get(vm)
      if (claim === undefined) claims.set(vm, { files: [file], volumes })
      else claim.files.push(file)
    }
  }
  return claims
}

function untold(observed: Observed, record: FileRecord | undefined): readonly { readonly vms: readonly VmKey[]; readonly problems: readonly DesiredProblem[] }[] {
  if (observed.kind !== 'invalid') return []
  const vms = [...observed.vms, ...(record?.manifests ?? []).map((one) => one.vm)]
  const blamed = [...new Set(vms)]
  // a file whose text does not say whose it is belongs to the VMs that it was read for last
  const problems = observed.problems.flatMap((one) => (one.vm === null && blamed.length > 0 ? blamed.map((vm) => ({ ...one, vm })) : [one]))
  return [{ vms, problems }]
}

function conflict(vm: VmKey, files: readonly string[], directory: string): DesiredProblem {
  const paths = files.map((file) => `${directory}/${file}`).join(' and ')
  return { vm, volume: null, reason: 'ManifestConflict', message: `${paths} are both for the VM ${vm}: changes of neither are applied` }
}

function writerProblems({ directory, files }: Observation): readonly DesiredProblem[] {
  return [...files].flatMap(([file, observed]) => {
    if (observed.kind !== 'waiting' || observed.reason !== 'longWriter') return []
    const message = `${directory}/${file}: process ${observed.pid} has it open for writing; it is read once that closes it`
    return [{ vm: null, volume: null, reason: 'ManifestsUnreadable', message }]
  })
}

function keptProblems(files: Readonly<Record<string, FileRecord>>, { directory, identity, files: seen }: Observation): readonly DesiredProblem[] {
  return Object.entries(files).flatMap(([file, record]) => {
    const path = `${directory}/${file}`
    const lost = seen.get(file)?.kind === 'absent' && !sameDirectory(record.directory, identity)
    if (lost) return record.manifests.map(({ vm }) => kept(vm, `${path} is missing, but ${directory} is another directory or mount than the one it was read from: its volumes stay. Put the file back, and delete it again if that is meant`))
    if (record.kept.length === 0) return []
    return record.manifests.map(({ vm }) => kept(vm, `${path} was first read from another directory or mount, where it also had ${record.kept.join(', ')}: they stay until the file is edited once more`))
  })
}

function kept(vm: VmKey, message: string): DesiredProblem {
  return { vm, volume: null, reason: 'ManifestsUnreadable', message }
}

/** An entry of a record; names such as `constructor` are names like any other. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
