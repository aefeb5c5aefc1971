import type { Domains } from '../ports/domains.ts'

/** The part of the hypervisors that a companion has: nothing in it changes anything. */
export type DomainsReader = Pick<Domains, 'start' | 'close' | 'hypervisors' | 'hypervisorOf' | 'connection' | 'observe'>

/** A view of the hypervisors through which no change can be made, not even by mistake. */
export function readingOnly(domains: Domains): DomainsReader {
  return {
    start: (listener) => domains.start(listener),
    close: () => domains.close(),
    hypervisors: () => domains.hypervisors(),
    hypervisorOf: (vm) => domains.hypervisorOf(vm),
    connection: (hypervisor) => domains.connection(hypervisor),
    observe: (vm) => domains.observe(vm),
  }
}
