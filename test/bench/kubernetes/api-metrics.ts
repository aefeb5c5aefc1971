import type { ApiServer } from '../../support/kubernetes/lab.ts'
import { type Metrics, parseMetrics, sumOf } from '../metrics.ts'

const VMIS = 'virtualmachineinstances'
const OWN = [VMIS, 'pods', 'events']
const READING = ['GET', 'LIST', 'WATCH']

/** What the API server counts of requests. */
export async function apiMetrics(server: ApiServer): Promise<Metrics> {
  return parseMetrics(await server.request<string>('GET', '/metrics'))
}

/** Patches of VMIs: the agent's, since the controller writes whole objects. */
export function vmiPatches(metrics: Metrics): number {
  return sumOf(metrics, 'apiserver_request_total', ({ resource, verb }) => resource === VMIS && (verb === 'PATCH' || verb === 'APPLY'))
}

/** Anybody's writes of what an agent may write. */
export function writes(metrics: Metrics): number {
  return sumOf(metrics, 'apiserver_request_total', ({ resource = '', verb = '' }) => OWN.includes(resource) && !READING.includes(verb))
}

/** Watches that are open, the API server's own included. */
export function watches(metrics: Metrics): number {
  return sumOf(metrics, 'apiserver_longrunning_requests', ({ verb }) => verb === 'WATCH')
}
