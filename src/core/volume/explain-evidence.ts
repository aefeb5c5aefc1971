import type { Detail } from '../../errors.ts'
import type { DesiredVolume } from '../../model/desired.ts'
import type { VolumeRecord } from '../../model/record.ts'
import { describeIdentity, sourceName } from '../../model/source.ts'
import type { ExplainFacts } from './explain-facts.ts'

/** Paths, devices, error numbers, libvirt's own words. */
export function evidence(facts: ExplainFacts): Detail {
  return { ...sourceEvidence(facts.desired), ...recordEvidence(facts.record), ...facts.trouble?.detail, ...facts.untold?.detail, ...libvirtEvidence(facts), ...replacedEvidence(facts) }
}

/** Where it is looked for, as long as nothing was found there. */
function sourceEvidence(desired: DesiredVolume | null): Detail {
  if (desired === null) return {}
  return desired.source.kind === 'claim' ? { claim: desired.source.claim } : { path: sourceName(desired.source) }
}

function replacedEvidence({ waiting, desired, domainUuid }: ExplainFacts): Detail {
  return waiting?.reason === 'VmReplaced' ? { addedTo: desired?.vmUid ?? null, domainUuid } : {}
}

function libvirtEvidence({ unreachableBecause }: ExplainFacts): Detail {
  return unreachableBecause === '' ? {} : { libvirt: unreachableBecause }
}

function recordEvidence(record: VolumeRecord | null): Detail {
  if (record === null) return {}
  const { address, target, alias, exposure, identity, step, process } = record
  return {
    path: exposure.path,
    source: describeIdentity(identity),
    target,
    alias,
    address: `${address.controller}:${address.bus}:${address.target}:${address.unit}`,
    qemuPid: process?.pid ?? null,
    lastJournalStep: step,
  }
}
