/** Where the daemon's objects are. Names may hold anything, so each part is escaped. */
const part = encodeURIComponent

export function vmisPath(namespace: string | null): string {
  return namespace === null ? '/apis/kubevirt.io/v1/virtualmachineinstances' : `/apis/kubevirt.io/v1/namespaces/${part(namespace)}/virtualmachineinstances`
}

export function vmiPath(namespace: string, vm: string): string {
  return `${vmisPath(namespace)}/${part(vm)}`
}

/** A watch of all VMs of a namespace, or of one. */
export function watchPath(namespace: string | null, vm: string | null): string {
  return `${vmisPath(namespace)}?watch=true${vm === null ? '' : `&fieldSelector=metadata.name%3D${part(vm)}`}`
}

export function volumePath(namespace: string, vm: string, volume: string): string {
  return `/apis/hotplugd.io/v1/namespaces/${part(namespace)}/virtualmachineinstances/${part(vm)}/volumes/${part(volume)}`
}

/** With `persist` KubeVirt's path of the VM, which means its persistent definition as well. */
export function subresourcePath(namespace: string, vm: string, options: { readonly verb: 'addvolume' | 'removevolume'; readonly persist: boolean }): string {
  const resource = options.persist ? 'virtualmachines' : 'virtualmachineinstances'
  return `/apis/subresources.kubevirt.io/v1/namespaces/${part(namespace)}/${resource}/${part(vm)}/${options.verb}`
}
