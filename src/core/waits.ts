import { REASONS, type Reason } from '../errors.ts'
import type { Impediment } from '../model/desired.ts'

/** Why nothing can be done for a volume at present, as a fact: what a person is told before the remedy. */
const CAUSES = {
  LibvirtUnavailable: 'libvirt does not answer',
  VmNotFound: 'libvirt has no domain of that name',
  VmNotRunning: 'the domain is not running',
  VmSaved: 'the domain is saved to disk',
  VmReplaced: 'the domain of that name is not the one that the volume was added to',
  PersistentDefinitionChanged: "the disk was persisted, and somebody else took it out of the domain's definition",
  HotplugDisabled: 'hotplug is switched off',
  ManifestsUnreadable: 'the volume is wanted no more, as far as can be seen, but what asked for it could not be read whole',
} as const satisfies Partial<Record<Reason, string>>

const IMPEDIMENTS = new Map(Object.entries(CAUSES).map(([reason, cause]) => [reason, { reason, cause } as Impediment]))

/** What is waited for, with its cause in words. */
export function waitFor(reason: keyof typeof CAUSES): Impediment {
  return IMPEDIMENTS.get(reason) ?? { reason, cause: CAUSES[reason] }
}

/** Cause and remedy in one message, since a status has only one. */
export function waitMessage({ reason, cause }: Impediment): string {
  return `${cause}. ${REASONS[reason].remedy}`
}
