/** A verb on a resource that the agent's service account must have. */
export interface AccessRule {
  readonly group: string
  /** With its subresource, as in RBAC. */
  readonly resource: string
  readonly verb: string
  readonly purpose: string
}

function rules(group: string, resource: string, purposes: Readonly<Record<string, string>>): readonly AccessRule[] {
  return Object.entries(purposes).flatMap(([verbs, purpose]) => verbs.split(' ').map((verb) => ({ group, resource, verb, purpose })))
}

/** What an agent asks the API server for; a companion needs only those that change nothing. A test holds this against the chart. */
export const ACCESS_RULES: readonly AccessRule[] = [
  ...rules('kubevirt.io', 'virtualmachineinstances', { 'get list watch': 'what is wanted', patch: 'status is written' }),
  ...rules('kubevirt.io', 'virtualmachineinstances/status', { patch: 'status is written where the VMI has a status subresource' }),
  ...rules('kubevirt.io', 'kubevirts', { 'get list watch': 'the feature gates are read' }),
  ...rules('', 'pods', { 'get list watch': 'launchers and attachment pods are found' }),
  ...rules('', 'events', { 'create patch': 'Events are written' }),
  ...rules('apps', 'daemonsets', { 'get list': 'the role on this node is found out' }),
]
