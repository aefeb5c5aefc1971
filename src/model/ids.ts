declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** A VM as the whole program names it: `namespace/name`. Neither part is empty; the namespace holds no slash. */
export type VmKey = Brand<string, 'VmKey'>

/** A VM's two names apart. */
export interface VmRef {
  readonly namespace: string
  readonly name: string
}

/** One volume of one VM. Volume names are unique within a VM. */
export interface VolumeKey {
  readonly vm: VmKey
  readonly volume: string
}

/** Joins the two names of a VM into its key. */
export function vmKey(ref: VmRef): VmKey {
  return `${ref.namespace}/${ref.name}` as VmKey
}

/** The two names in a key; a libvirt name may itself hold any character but a slash. */
export function vmRef(key: VmKey): VmRef {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** A volume's key as one string, for maps and logs: `namespace/name/volume`. */
export function volumeId(key: VolumeKey): string {
  return `${key.vm}/${key.volume}`
}
