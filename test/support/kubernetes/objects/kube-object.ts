/** What is needed to find an object. */
export interface ObjectReference {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
}

/** Any object of Kubernetes. */
export interface KubeObject extends ObjectReference {
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** An object as the server has it. */
export type Made<T extends KubeObject = KubeObject> = T & { readonly metadata: ObjectMeta & { readonly uid: string; readonly resourceVersion: string } }

const IRREGULAR: Readonly<Record<string, string>> = { Endpoints: 'endpoints' }

const pluralOf = (kind: string): string =>
  IRREGULAR[kind] ?? kind.toLowerCase().replace(/y$/, 'ie').replace(/(s|x|ch)$/, '$1e') + 's'

/** The path of the collection that the object is or would be in. */
export const collectionPath = ({ apiVersion, kind, metadata }: ObjectReference): string => {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const namespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
  return `${root}${namespace}/${pluralOf(kind)}`
}

export const objectPath = (reference: ObjectReference): string => `${collectionPath(reference)}/${reference.metadata.name}`

/** The owner reference that makes `owner` the controller of what bears it. */
export const controlledBy = (owner: Made): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})
