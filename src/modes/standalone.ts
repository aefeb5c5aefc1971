import type { NamedSource } from '../agent/agent.ts'
import { createDomains } from '../adapters/libvirt/domains.ts'
import { openJournal } from '../adapters/linux/journal/exposure-journal.ts'
import { createExposures } from '../adapters/linux/host/in-place-exposures.ts'
import { createProcesses } from '../adapters/linux/processes.ts'
import { createSources } from '../adapters/linux/host/sources.ts'
import { createManifestSource } from '../adapters/standalone/manifest-source.ts'
import { openPersistLedger } from '../adapters/standalone/persist-ledger.ts'
import { createRequestStore } from '../adapters/standalone/request-store.ts'
import { doubtOfState, withDoubt } from '../adapters/standalone/state-identity.ts'
import { systemClock } from '../adapters/system-clock.ts'
import type { DesiredSource } from '../ports/desired-source.ts'
import type { Mode, ModeParts } from './mode.ts'

/**
 * Guests of libvirts on this host; wishes from manifests and requests.
 * @throws HotplugError StateUnwritable, StateFromNewerVersion, JournalUnwritable
 */
export async function standaloneMode({ config, log, hook }: ModeParts): Promise<Mode> {
  const clock = systemClock
  const store = await createRequestStore({ stateDir: config.stateDir, log })
  const ports = {
    clock,
    domains: createDomains({ uris: config.libvirtUris, log, clock, callDeadlineMs: config.callDeadlineMs }),
    sources: createSources(),
    exposures: createExposures(),
    processes: createProcesses(),
    journal: openJournal(config.runDir, hook),
    ledger: await openPersistLedger({ stateDir: config.stateDir, log, ...hook }),
  }
  const manifests = createManifestSource({ directory: config.manifestDir, stateDir: config.stateDir, log, clock })
  const sources = believable({ store, manifests }, await doubtOfState(config.stateDir, config.runDir))
  return { ports, sources, sinks: [], store, hotplugEnabled: config.hotplug, needsEveryLibvirt: true, checks: () => [] }
}

/** With another state directory than before nothing is known of what was asked for, nor of what manifests were read last. */
function believable({ store, manifests }: { store: DesiredSource; manifests: DesiredSource }, doubt: string | null): readonly NamedSource[] {
  if (doubt === null) return [{ origin: 'request', source: store }, { origin: 'manifest', source: manifests }]
  const problem = { vm: null, volume: null, reason: 'StateReplaced', message: doubt }
  return [{ origin: 'request', source: withDoubt(store, [problem]) }, { origin: 'manifest', source: withDoubt(manifests, []) }]
}
