/** What a reflector has to know of whatever it mirrors. */
export interface Mirrored {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly resourceVersion: string
}

/** A change of the mirror. Another object under the same name is a deletion and an addition, in this order, never one change. */
export interface Change<T extends Mirrored> {
  readonly kind: 'changed' | 'deleted'
  readonly object: T
}

/** Objects by UID. Versions only go forward: what comes doubled or late is passed over. */
export class ObjectStore<T extends Mirrored> {
  readonly #objects = new Map<string, T>()
  readonly #uidsByName = new Map<string, string>()

  get(uid: string): T | undefined {
    return this.#objects.get(uid)
  }

  byName(namespace: string, name: string): T | undefined {
    return this.#objects.get(this.#uidsByName.get(nameOf({ namespace, name })) ?? '')
  }

  all(): IterableIterator<T> {
    return this.#objects.values()
  }

  /** Takes an object over as it is now; answers with what changed by that. */
  put(object: T): Change<T>[] {
    const known = this.#objects.get(object.uid)
    if (known !== undefined && !isNewer(object, known)) return []
    const earlier = this.byName(object.namespace, object.name)
    const replaced = earlier === undefined || earlier.uid === object.uid ? [] : this.#delete(earlier)
    this.#objects.set(object.uid, object)
    this.#uidsByName.set(nameOf(object), object.uid)
    return [...replaced, { kind: 'changed', object }]
  }

  /** Takes out the object of that UID; one that took its name meanwhile stays. */
  remove(uid: string): Change<T>[] {
    const known = this.#objects.get(uid)
    return known === undefined ? [] : this.#delete(known)
  }

  /** Takes over a whole list, complete and read without error; what is not in it is gone. */
  replace(objects: readonly T[]): Change<T>[] {
    const uids = new Set(objects.map(({ uid }) => uid))
    const gone = [...this.#objects.values()].filter(({ uid }) => !uids.has(uid)).flatMap((object) => this.#delete(object))
    return [...gone, ...objects.flatMap((object) => this.#putListed(object))]
  }

  /** A list may hold older versions than what is known, after a restored etcd: it is believed all the same. */
  #putListed(object: T): Change<T>[] {
    if (this.#objects.get(object.uid)?.resourceVersion === object.resourceVersion) return []
    this.#objects.delete(object.uid)
    return this.put(object)
  }

  #delete(object: T): Change<T>[] {
    this.#objects.delete(object.uid)
    const name = nameOf(object)
    if (this.#uidsByName.get(name) === object.uid) this.#uidsByName.delete(name)
    return [{ kind: 'deleted', object }]
  }
}

function nameOf({ namespace, name }: Pick<Mirrored, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`
}

/** Versions are numbers that grow; of any that are not, each other one counts as newer. */
function isNewer(object: Mirrored, known: Mirrored): boolean {
  const [a, b] = [object.resourceVersion, known.resourceVersion]
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b
  return a.length === b.length ? a > b : a.length > b.length
}
