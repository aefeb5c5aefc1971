/** Where things are in the API. */
export const VMIS_PATH = '/apis/kubevirt.io/v1/virtualmachineinstances'
export const KUBEVIRTS_PATH = '/apis/kubevirt.io/v1/kubevirts'
export const KUBEVIRT_GROUP_PATH = '/apis/kubevirt.io/v1'
export const PODS_PATH = '/api/v1/pods'

interface Named {
  readonly namespace: string
  readonly name: string
}

export function vmiPath({ namespace, name }: Named): string {
  return `${KUBEVIRT_GROUP_PATH}/namespaces/${encodeURIComponent(namespace)}/virtualmachineinstances/${encodeURIComponent(name)}`
}

export function podPath({ namespace, name }: Named): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`
}

export function eventsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`
}
