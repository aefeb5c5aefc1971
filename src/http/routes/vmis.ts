import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HotplugError } from '../../errors.ts'
import { vmKey, vmRef, type VmKey, type VmRef } from '../../model/ids.ts'
import type { VmStatus } from '../../model/status.ts'
import { invalid } from '../requests/fields.ts'
import { described } from '../openapi/operation.ts'
import { refusal } from '../objects/refusal.ts'
import { sendStatus } from '../server.ts'
import { vmiList, vmiObject, vmiTombstone } from '../objects/vmi-object.ts'
import { watchReply } from '../watch/watch-reply.ts'
import type { RouteContext } from './context.ts'

interface ListQuery {
  readonly watch?: string
  readonly fieldSelector?: string
}

/** List, get and watch VirtualMachineInstances. */
export function vmiRoutes(app: FastifyInstance, context: RouteContext): void {
  const all = '/apis/kubevirt.io/v1/virtualmachineinstances'
  const ofNamespace = '/apis/kubevirt.io/v1/namespaces/:ns/virtualmachineinstances'
  app.get<{ Querystring: ListQuery }>(all, listing('listVmis', 'All VMs.'), (request, reply) => list(context, request, reply))
  app.get<{ Querystring: ListQuery; Params: { ns: string } }>(ofNamespace, listing('listVmisOfNamespace', 'All VMs of a namespace.'), (request, reply) => {
    context.requireNamespace(request.params.ns)
    return list(context, request, reply, request.params.ns)
  })
  app.get<{ Params: { ns: string; name: string } }>(`${ofNamespace}/:name`, described({ id: 'getVmi', doc: 'One VM with all its disks.', answers: { 200: { doc: 'The VM.', json: ['VirtualMachineInstance'] } } }), (request, reply) => {
    const vm = { namespace: request.params.ns, name: request.params.name }
    const status = findVm(context, vm)
    if (status !== null) return reply.send(vmiObject(status))
    return sendStatus(reply, refusal(vmNotFound(vm), { resource: 'virtualmachineinstances', verb: 'get', vm: vm.name }))
  })
}

function listing(id: string, doc: string): ReturnType<typeof described> {
  return described({
    id, doc, query: { watch: 'Go on with every change.', fieldSelector: 'metadata.name=NAME: only that VM.' },
    answers: { 200: { doc: 'The VMs.', json: ['VirtualMachineInstanceList'], lines: ['VirtualMachineInstanceEvent'] } },
  })
}

/** Null: there is no such VM. Throws HotplugError `UnknownNamespace`, or why it may be there and is not known. */
export function findVm(context: RouteContext, vm: VmRef): VmStatus | null {
  context.requireNamespace(vm.namespace)
  const status = context.agent.vm(vm)
  const unread = status === null ? (context.agent.unread?.() ?? null) : null
  if (unread !== null) throw unread
  return status
}

export function vmNotFound(vm: VmRef): HotplugError {
  return new HotplugError('VmNotFound', `there is no domain ${JSON.stringify(vm.name)} in namespace ${vm.namespace}`)
}

function list(context: RouteContext, request: FastifyRequest<{ Querystring: ListQuery }>, reply: FastifyReply, namespace?: string): FastifyReply {
  const name = selectedName(request.query.fieldSelector)
  const covers = (vm: VmKey): boolean => isCovered(vm, namespace, name)
  const present = (): readonly VmStatus[] => context.agent.vms(namespace).filter(status => covers(status.vm))
  if (!isTrue(request.query.watch)) return reply.send(vmiList(present()))
  return watchReply(context, reply, { view: { covers, project: vmiObject, tombstone: vmiTombstone }, present })
}

function isCovered(vm: VmKey, namespace: string | undefined, name: string | null): boolean {
  if (namespace !== undefined && name !== null) return vm === vmKey({ namespace, name })
  const ref = vmRef(vm)
  return (namespace === undefined || ref.namespace === namespace) && (name === null || ref.name === name)
}

/** The only selector that is known: `metadata.name=NAME`. */
function selectedName(selector: string | undefined): string | null {
  if (selector === undefined || selector === '') return null
  const name = /^metadata\.name==?(.+)$/s.exec(selector)?.[1]
  if (name === undefined) throw invalid('fieldSelector: only metadata.name=NAME is supported')
  return name
}

export function isTrue(text: string | undefined): boolean {
  return text === '' || text === 'true' || text === '1'
}
