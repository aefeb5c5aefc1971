import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HotplugError } from '../../errors.ts'
import { vmKey, type VmKey, type VmRef } from '../../model/ids.ts'
import type { VmStatus, VolumeStatus } from '../../model/status.ts'
import { explanationObject } from '../objects/explanation-object.ts'
import { described } from '../openapi/operation.ts'
import { volumeObject, type VolumeObject } from '../objects/volume-object.ts'
import { watchReply } from '../watch/watch-reply.ts'
import type { RouteContext } from './context.ts'
import { findVm, isTrue, vmNotFound } from './vmis.ts'

interface VmParams {
  readonly ns: string
  readonly name: string
}
interface VolumeParams extends VmParams {
  readonly volume: string
}

/** A volume by itself, with where it belongs. */
export interface SingleVolume extends VolumeObject {
  readonly kind: 'Volume'
  readonly apiVersion: 'hotplugd.io/v1'
  readonly metadata: { readonly namespace: string }
  readonly vm: string
}

export interface VolumeList {
  readonly kind: 'VolumeList'
  readonly apiVersion: 'hotplugd.io/v1'
  readonly metadata: Readonly<Record<string, never>>
  readonly items: readonly VolumeObject[]
}

const API = { apiVersion: 'hotplugd.io/v1' } as const

/** Volumes one by one, and what explains them. */
export function volumeRoutes(app: FastifyInstance, context: RouteContext): void {
  const path = '/apis/hotplugd.io/v1/namespaces/:ns/virtualmachineinstances/:name/volumes'
  app.get<{ Params: VmParams }>(path, described({ id: 'listVolumes', doc: 'All disks of a VM.', answers: { 200: { doc: 'The disks.', json: ['VolumeList'] } } }), (request, reply) => {
    const { volumes } = requireVm(context, refOf(request.params))
    const list: VolumeList = { kind: 'VolumeList', ...API, metadata: {}, items: volumes.map(volumeObject) }
    return reply.send(list)
  })
  app.get<{ Params: VolumeParams; Querystring: { watch?: string } }>(`${path}/:volume`, described({ id: 'getVolume', doc: 'One disk of a VM.', query: { watch: 'Go on with every change; the volume need not be there yet.' }, answers: { 200: { doc: 'The disk.', json: ['Volume'], lines: ['VolumeEvent'] } } }), (request, reply) => {
    const vm = refOf(request.params)
    if (isTrue(request.query.watch)) return watchVolume(context, request, reply)
    return reply.send(single(vm, requireVolume(requireVm(context, vm), request.params.volume)))
  })
  app.get<{ Params: VolumeParams }>(`${path}/:volume/explain`, described({ id: 'explainVolume', doc: 'Why a volume is, or is not, in the guest, and what to do.', answers: { 200: { doc: 'The explanation.', json: ['Explanation'] } } }), (request, reply) => {
    const vm = refOf(request.params)
    const status = requireVm(context, vm)
    const explanation = context.agent.explain({ vm: vmKey(vm), volume: request.params.volume })
    if (explanation === null) throw volumeNotFound(status, request.params.volume)
    return reply.send(explanationObject(explanation))
  })
}

function refOf(params: VmParams): VmRef {
  return { namespace: params.ns, name: params.name }
}

function requireVm(context: RouteContext, vm: VmRef): VmStatus {
  const status = findVm(context, vm)
  if (status === null) throw vmNotFound(vm)
  return status
}

function requireVolume(status: VmStatus, name: string): VolumeStatus {
  const volume = status.volumes.find(candidate => candidate.name === name)
  if (volume === undefined) throw volumeNotFound(status, name)
  return volume
}

function volumeNotFound(status: VmStatus, name: string): HotplugError {
  const known = status.volumes.slice(0, 10).map(volume => volume.name)
  const more = status.volumes.length > known.length ? ', …' : ''
  return new HotplugError('VolumeNotFound', `${status.vm} has no volume ${JSON.stringify(name)}; it has: ${known.join(', ') || 'none'}${more}`)
}

function single(vm: VmRef, volume: VolumeStatus): SingleVolume {
  return { kind: 'Volume', ...API, metadata: { namespace: vm.namespace }, vm: vm.name, ...volumeObject(volume) }
}

/** Streams one volume, also one that is not there yet: cheap to follow in a VM with hundreds. */
function watchVolume(context: RouteContext, request: FastifyRequest<{ Params: VolumeParams }>, reply: FastifyReply): FastifyReply {
  const vm = refOf(request.params)
  const { volume: name } = request.params
  context.requireNamespace(vm.namespace)
  const project = (status: VmStatus): object | null => {
    const volume = status.volumes.find(candidate => candidate.name === name)
    return volume === undefined ? null : single(vm, volume)
  }
  const tombstone = (): object => ({ kind: 'Volume', ...API, metadata: { namespace: vm.namespace }, vm: vm.name, name })
  const covers = (key: VmKey): boolean => key === vmKey(vm)
  return watchReply(context, reply, { view: { covers, project, tombstone }, present: () => [context.agent.vm(vm) ?? []].flat() })
}
