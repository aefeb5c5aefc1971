import { REASONS, type Reason } from '../../errors.ts'
import type { Impediment } from '../../model/desired.ts'

/** What is said of the next step where there is none. */
export const FOR_A_PERSON = 'Nothing by itself: it waits for a person.'

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

/** What happens by itself then, and when. */
const NEXT: Partial<Record<Reason, string>> = {
  LibvirtUnavailable: 'It is connected again within a second of its return; then everything is read anew, and what is due is done.',
  VmNotFound: 'The volume is plugged as soon as a domain of that name runs.',
  VmNotRunning: 'The volume is plugged as soon as the domain runs.',
  VmSaved: 'What is due is done as soon as the domain runs again.',
  VmReplaced: 'Nothing is plugged into the new domain; should the old one come back, the volume does too.',
  PersistentDefinitionChanged: FOR_A_PERSON,
  HotplugDisabled: FOR_A_PERSON,
  ManifestsUnreadable: 'The disk stays until what asked for it can be read whole; that is looked at again by itself.',
}

const FOR_THE_POD: readonly Reason[] = ['LauncherNotFound', 'AwaitingController', 'ClaimNotReady', 'AttachmentPodNotReady', 'AttachmentPodFailing']

/** Whether the pod that holds the source is waited for, which is the first stage of the way in. */
export function isForPod({ reason }: Impediment): boolean {
  return FOR_THE_POD.includes(reason)
}

/** What happens by itself while a volume waits for this, and when, as a sentence; never empty. */
export function nextAfter({ reason }: Impediment): string {
  return NEXT[reason] ?? 'It goes on as soon as what it waits for happens.'
}

/** What is waited for, with its cause in words. */
export function waitFor(reason: keyof typeof CAUSES): Impediment {
  return IMPEDIMENTS.get(reason) ?? { reason, cause: CAUSES[reason] }
}

/** Cause and remedy in one message, since a status has only one. */
export function waitMessage({ reason, cause }: Impediment): string {
  return `${cause}. ${REASONS[reason].remedy}`
}
