import type { Credentials } from '../adapters/kubernetes/api/credentials.ts'
import { inClusterCredentials } from '../adapters/kubernetes/api/in-cluster.ts'
import { kubeconfigCredentials } from '../adapters/kubernetes/api/kubeconfig.ts'
import type { ReflectorState } from '../adapters/kubernetes/watch/reflector.ts'
import { systemClock } from '../adapters/system-clock.ts'
import type { Config } from '../config/config.ts'
import { HotplugError } from '../errors.ts'

/** As whom to talk to the API server. @throws HotplugError ConfigInvalid, ApiUnauthorized */
export function credentials({ kubeconfig }: Config): Credentials | Promise<Credentials> {
  return kubeconfig === null ? inClusterCredentials({ env: process.env, clock: systemClock }) : kubeconfigCredentials({ path: kubeconfig })
}

/** The watches of the API server, for debugging. */
export function toldWatches(states: readonly ReflectorState[]): readonly object[] {
  return states.map(({ trouble, ...rest }) => ({ ...rest, trouble: trouble?.message ?? null }))
}

/** The node that is served. @throws HotplugError ConfigInvalid */
export function nodeOf({ nodeName }: Config): string {
  if (nodeName === null) throw new HotplugError('ConfigInvalid', '--mode kubernetes needs --node-name')
  return nodeName
}
