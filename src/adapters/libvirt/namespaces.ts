import { HotplugError } from '../../errors.ts'
import { vmKey, vmRef, type VmKey } from '../../model/ids.ts'
import type { DomainListener } from '../../ports/domains.ts'
import { type Fleet, type Reached, tellEvent } from './fleet.ts'
import { Hypervisor, type HypervisorOptions } from './hypervisor.ts'
import { placeOf } from './uri.ts'

/** What all libvirts of a fleet have in common. */
export type CommonOptions = Pick<HypervisorOptions, 'log' | 'clock' | 'callDeadlineMs' | 'keepAliveIntervalS' | 'keepAliveCount'>

/** Libvirts of this host, one per namespace, for as long as the agent runs. */
export class Namespaces implements Fleet {
  readonly #hypervisors: ReadonlyMap<string, Hypervisor>
  #listener: DomainListener | null = null

  constructor(uris: ReadonlyMap<string, string>, common: CommonOptions) {
    this.#hypervisors = new Map([...uris].map(([namespace, uri]) => [namespace, this.#make(namespace, uri, common)]))
  }

  start(listener: DomainListener): void {
    this.#listener = listener
    for (const hypervisor of this.#hypervisors.values()) hypervisor.start()
  }

  close(): void {
    for (const hypervisor of this.#hypervisors.values()) hypervisor.close()
  }

  hypervisors(): readonly string[] {
    return [...this.#hypervisors.keys()]
  }

  hypervisorOf(vm: VmKey): string {
    return vmRef(vm).namespace
  }

  connection(namespace: string): { readonly up: boolean; readonly why: string } | null {
    return this.#hypervisors.get(namespace)?.connection ?? null
  }

  reach(vm: VmKey): Reached {
    const { namespace, name } = vmRef(vm)
    const hypervisor = this.find(namespace)
    const runDirs = hypervisor.runDirs
    return { hypervisor, domain: checked(vm, name), whereabouts: async () => ({ runDirs, pids: [] }) }
  }

  find(namespace: string): Hypervisor {
    const found = this.#hypervisors.get(namespace)
    if (found === undefined) throw new HotplugError('UnknownNamespace', `no libvirt is configured for namespace ${namespace}`)
    return found
  }

  vmOf(namespace: string, domain: string): VmKey {
    return vmKey({ namespace, name: domain })
  }

  #make(namespace: string, uri: string, common: CommonOptions): Hypervisor {
    return new Hypervisor({
      ...common,
      place: placeOf(uri),
      logFields: { namespace, uri },
      onEvent: (kind, domain, detail) => tellEvent(this.#listener, this.vmOf(namespace, domain), kind, detail),
      onConnection: (up, why) => this.#listener?.onConnection(namespace, up, why),
    })
  }
}

/** libvirt would take only what stands before a NUL, and has no domain whose name holds a slash. */
function checked(vm: VmKey, name: string): string {
  if (name === '' || /[\0/]/.test(name)) throw new HotplugError('InvalidRequest', `${JSON.stringify(vm)} cannot name a domain`)
  return name
}
