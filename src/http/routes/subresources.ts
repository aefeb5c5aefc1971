import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AgentApi } from '../../agent/api.ts'
import { asHotplugError } from '../../errors.ts'
import type { VmRef } from '../../model/ids.ts'
import { described } from '../openapi/operation.ts'
import { codeOf } from '../objects/reason-codes.ts'
import { refusal, type Resource, type Subject } from '../objects/refusal.ts'
import { sendStatus } from '../server.ts'
import { parseAddVolume, parseRemoveVolume, type Target } from '../requests/volume-options.ts'
import type { RouteContext } from './context.ts'

type Request = FastifyRequest<{ Params: { ns: string; name: string } }>
type Act = (agent: AgentApi, body: unknown, target: Target) => Promise<void>

const addVolume: Act = (agent, body, target) => agent.addVolume(parseAddVolume(body, target))
const removeVolume: Act = (agent, body, target) => agent.removeVolume(parseRemoveVolume(body, target))

/** KubeVirt's subresources: `virtualmachines` means the persistent definition as well. */
export function subresourceRoutes(app: FastifyInstance, context: RouteContext): void {
  for (const resource of ['virtualmachines', 'virtualmachineinstances'] as const) {
    const path = `/apis/subresources.kubevirt.io/v1/namespaces/:ns/${resource}/:name`
    app.put(`${path}/addvolume`, change(resource, 'add'), changeHandler(context, { resource, verb: 'add' }, addVolume))
    app.put(`${path}/removevolume`, change(resource, 'remove'), changeHandler(context, { resource, verb: 'remove' }, removeVolume))
  }
}

function change(resource: Resource, verb: 'add' | 'remove'): ReturnType<typeof described> {
  const [act, where] = [verb === 'add' ? 'Plug a volume into a VM' : 'Take a volume out of a VM', resource === 'virtualmachines' ? ', and change its persistent definition as well.' : '.']
  return described({
    id: `${verb}Volume${resource === 'virtualmachines' ? 'Persistently' : ''}`, doc: `${act}${where}`, body: verb === 'add' ? 'AddVolumeOptions' : 'RemoveVolumeOptions',
    answers: { 202: { doc: 'Accepted and durable; what becomes of it is in the status.', headers: { 'hotplugd-received-at': 'When it was received, by the clock of the daemon: what is older is not its outcome.' } } },
  })
}

function changeHandler(context: RouteContext, kind: { resource: Resource; verb: 'add' | 'remove' }, act: Act) {
  return async (request: Request, reply: FastifyReply): Promise<FastifyReply> => {
    // So that who waits for the outcome can tell it from an older one of the same name.
    const receivedAt = new Date().toISOString()
    const vm = { namespace: request.params.ns, name: request.params.name }
    try {
      context.requireNamespace(vm.namespace)
      await act(context.agent, request.body, { vm, persist: kind.resource === 'virtualmachines' })
    } catch (error) {
      return refuse(context, reply, { error, subject: subjectOf(kind, vm, request.body) })
    }
    context.log.info({ ...auditOf(context, request), vm, verb: kind.verb, volume: fieldOf(request.body, 'name') }, 'request accepted')
    return reply.code(202).header('hotplugd-received-at', receivedAt).send()
  }
}

function refuse(context: RouteContext, reply: FastifyReply, what: { error: unknown; subject: Subject }): FastifyReply {
  const error = asHotplugError(what.error)
  const { vm, verb, volume } = what.subject
  const level = codeOf(error.reason) >= 500 ? 'warn' : 'info'
  const stack = error.reason === 'InternalError' ? { err: error } : {}
  context.log[level]({ ...auditOf(context, reply.request), vm, verb, volume, reason: error.reason, why: error.message, ...stack }, 'request refused')
  return sendStatus(reply, refusal(error, what.subject))
}

/** Who asked: plugging any path is as good as root, so it is written down. */
function auditOf(context: RouteContext, request: FastifyRequest): { uid: number | null; pid: number | null } {
  const peer = context.peers(request.socket)
  return { uid: peer?.uid ?? null, pid: peer?.pid ?? null }
}

function subjectOf(kind: { resource: Resource; verb: 'add' | 'remove' }, vm: VmRef, body: unknown): Subject {
  const source = fieldOf(fieldOf(fieldOf(body, 'volumeSource'), 'local'), 'path')
  return { ...kind, vm: vm.name, volume: String(fieldOf(body, 'name')), source: String(source) }
}

/** A field of a body that may be anything. */
function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined
}
