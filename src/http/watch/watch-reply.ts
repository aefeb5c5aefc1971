import type { FastifyReply } from 'fastify'
import type { VmStatus } from '../../model/status.ts'
import type { RouteContext } from '../routes/context.ts'
import type { View } from './watch-stream.ts'

/** Turns a reply into a watch. Throws HotplugError `TooManyRequests` while it is still a reply. */
export function watchReply(context: RouteContext, reply: FastifyReply, what: { view: View; present: () => readonly VmStatus[] }): FastifyReply {
  const user = context.peers(reply.request.socket)?.uid ?? -1
  context.watches.open(reply.raw, user, what.view, what.present)
  return reply.hijack()
}
