import { randomUUID } from 'node:crypto'
import { diskName } from '../core/disk/ordinary-disks.ts'
import { checkSerial } from '../core/disk/serial.ts'
import { checkVolumeName } from '../core/disk/volume-name.ts'
import { HotplugError } from '../errors.ts'
import type { DesiredVolume } from '../model/desired.ts'
import { aliasOf, type LiveDisk } from '../model/disk.ts'
import type { DomainView } from '../model/domain.ts'
import { type VmRef, vmKey, volumeId } from '../model/ids.ts'
import { describeIdentity, type ResolvedSource, sourceName } from '../model/source.ts'
import type { Agent } from './agent.ts'
import type { AddVolume, RemoveVolume, RequestStore } from './api.ts'
import { lookUp } from './in-time.ts'
import type { Ports } from './ports.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** What requests are checked against and end in. */
export interface RequestParts {
  readonly agent: Agent
  readonly ports: Ports
  readonly store: RequestStore
  readonly hotplugEnabled: boolean
}

/** Requests to add and remove volumes: refused at once where that can be known, else durable before they are answered. */
export class Requests {
  readonly #parts: RequestParts

  constructor(parts: RequestParts) {
    this.#parts = parts
  }

  /** Contract: AgentApi.addVolume. */
  async add(request: AddVolume): Promise<void> {
    this.#refuseInvalid(request)
    const { vm, view } = await this.#domain(request.vm)
    refuseTaken(vm, view, request)
    refuseUnfit(view, request)
    const source = await this.#freeSource(vm, request)
    if (request.dryRun) return
    refuseTaken(vm, view, request)
    this.#parts.agent.foresight.foresee(volumeId({ vm: vm.key, volume: request.name }), request.source, source)
    await this.#parts.store.put(this.#wish(vm, view, request))
  }

  /** Contract: AgentApi.removeVolume. */
  async remove(request: RemoveVolume): Promise<void> {
    const vm = await this.#knownVm(request.vm)
    const volume = vm.volumes.get(request.name)
    if (volume?.desired === undefined || volume.desired === null) throw notRemovable(vm, volume, request)
    refuseRemoval(volume, volume.desired, request)
    if (!request.dryRun) await this.#parts.store.remove(volume.key)
  }

  #refuseInvalid(request: AddVolume): void {
    const error = checkVolumeName(request.name) ?? checkSerial(request.disk.serial)
    if (error !== null) throw error
    const clash = contradiction(request)
    if (clash !== null) throw new HotplugError('InvalidRequest', `volume ${request.name}: ${clash}`)
    if (this.#parts.hotplugEnabled) return
    throw new HotplugError('HotplugDisabled', `volume ${request.name} is not plugged: hotplug is switched off`)
  }

  /** The domain, read if it is not known; a request needs to know that it exists. */
  async #domain(ref: VmRef): Promise<{ vm: Vm; view: DomainView }> {
    const vm = await this.#knownVm(ref)
    if (vm.view === null || vm.view === undefined) throw notFound(ref)
    return { vm, view: vm.view }
  }

  /** A VM that is known is not read again: its request is taken also while its libvirt is away, and done later. */
  async #knownVm(ref: VmRef): Promise<Vm> {
    this.#refuseNamespace(ref)
    const known = this.#parts.agent.world.find(vmKey(ref))
    if (known?.view !== undefined && known.view !== null) return known
    const vm = await this.#parts.agent.refresh(vmKey(ref))
    if (vm.view === null && vm.volumes.size === 0) throw notFound(ref)
    return vm
  }

  #refuseNamespace(ref: VmRef): void {
    const known = this.#parts.ports.domains.hypervisors() ?? []
    if (known.includes(ref.namespace)) return
    throw new HotplugError('UnknownNamespace', `namespace ${ref.namespace} has no libvirt here; known: ${known.join(', ')}`)
  }

  async #freeSource(vm: Vm, request: AddVolume): Promise<ResolvedSource> {
    const source = await lookUp(this.#parts.ports, request.source)
    const self = { id: volumeId({ vm: vm.key, volume: request.name }), label: '', shareable: request.disk.shareable }
    const holder = this.#parts.agent.world.sources.conflict(self, source.footprint)
    if (holder === null || this.#isLeaving(holder.id)) return source
    const message = `${source.path} (${describeIdentity(source.identity)}) is in use by ${holder.label}`
    throw new HotplugError('SourceInUse', message, { detail: { path: source.path, holder: holder.label } })
  }

  /** The holder is on its way out already: the new volume gets the source as soon as it is released. */
  #isLeaving(id: string): boolean {
    for (const [, volume] of this.#parts.agent.world.volumes()) if (volume.id === id) return volume.desired === null
    return false
  }

  #wish(vm: Vm, view: DomainView, request: AddVolume): DesiredVolume {
    const { name, source, disk, persist } = request
    return { vm: vm.key, name, source, disk, persist, origin: { kind: 'request' }, token: randomUUID(), vmUid: view.uuid }
  }
}

/** What is wrong only in combination. */
function contradiction({ disk, source }: AddVolume): string | null {
  if (disk.shareable && source.format !== 'raw') return `a ${source.format} image cannot be shareable, only raw sources can`
  if (disk.io === 'native' && (disk.cache ?? 'none') !== 'none') return `io native needs cache none, found cache ${disk.cache}`
  return null
}

function notFound(ref: VmRef): HotplugError {
  const remedy = 'Define the domain in libvirt, or correct the name, and ask again.'
  return new HotplugError('VmNotFound', `libvirt has no domain ${ref.name} in namespace ${ref.namespace}`, { remedy })
}

/** A name or source that another volume of the VM has. Volumes on their way out have neither any more. */
function refuseTaken(vm: Vm, view: DomainView, request: AddVolume): void {
  const wanted = [...vm.volumes.values()].flatMap((volume) => volume.desired ?? [])
  if (wanted.some(({ name }) => name === request.name) || isForeignName(vm, view, request.name)) {
    throw new HotplugError('NameTaken', `${vm.key} has a volume named ${request.name} already`, { detail: { volume: request.name } })
  }
  const holder = wanted.find(({ source }) => sourceName(source) === request.source.path)
  if (holder === undefined) return
  throw new HotplugError('SourceTaken', `${request.source.path} is volume ${holder.name} of ${vm.key} already`, {
    detail: { source: request.source.path, volume: holder.name },
  })
}

function isForeignName(vm: Vm, view: DomainView, name: string): boolean {
  if (vm.volumes.has(name)) return false
  const has = (disk: LiveDisk) => diskName(disk) === name || disk.alias === aliasOf(name)
  return [...view.disks, ...view.persistentDisks].some(has)
}

function refuseUnfit(view: DomainView, request: AddVolume): void {
  if (!request.persist || view.persistent) return
  throw new HotplugError('TransientDomain', `domain ${request.vm.name} is transient: nothing can be persisted in it`)
}

function notRemovable(vm: Vm, volume: Volume | undefined, request: RemoveVolume): HotplugError {
  const listed = vm.view?.disks.some((disk) => diskName(disk) === request.name) ?? false
  if (volume === undefined && listed) return new HotplugError('NotHotplugged', `${request.name} of ${vm.key} was not hot-plugged`)
  return new HotplugError('VolumeNotFound', `${vm.key} has no volume ${request.name}`)
}

function refuseRemoval(volume: Volume, desired: DesiredVolume, request: RemoveVolume): void {
  if (desired.origin.kind === 'manifest') {
    const { file } = desired.origin
    throw new HotplugError('OwnedByManifest', `volume ${request.name} comes from manifest ${file}: edit that file to remove it`, { detail: { file } })
  }
  const persisted = desired.persist || volume.persisted !== null
  if (persisted && !request.persist) {
    throw new HotplugError('PersistRequired', `volume ${request.name} is in the persistent definition: remove it with --persist`)
  }
  if (request.persist && !persisted) {
    throw new HotplugError('NotPersisted', `volume ${request.name} is not in the persistent definition by our own record`)
  }
}
