import type { Impediment } from '../../model/desired.ts'
import { type FollowFacts, isExposed, isPodReady, isWithdrawn } from './follow-stage.ts'
import { diagnose } from './kubevirt-words.ts'
import { isSerialTooLong } from '../disk/serial.ts'

/** Passing states of a container on its way up; anything else that it waits for is a failure. */
const ON_THE_WAY: readonly string[] = ['ContainerCreating', 'PodInitializing', 'Waiting', 'SchedulingGated']

/** What a volume waits for or stumbles over that somebody else takes in or out; null: nothing. Pure. */
export function obstacleOf(facts: FollowFacts): Impediment | null {
  return facts.spec === null ? obstacleOut(facts) : obstacleIn(facts)
}

/** What a person has to mend comes first, then what is only a matter of time. */
function obstacleIn(facts: FollowFacts): Impediment | null {
  if (facts.entry?.phase === 'Ready') return notListed(facts)
  if (facts.migrating) return { reason: 'MigrationUnderWay', cause: 'a migration of the VM is not finished' }
  return beyondHelp(facts) ?? beforePod(facts) ?? own(facts) ?? heldUp(facts) ?? waitsForHandler(facts)
}

function notListed({ disk }: FollowFacts): Impediment | null {
  if (disk !== null) return null
  return { reason: 'DiskNotListed', cause: 'the status says Ready, but libvirt does not list the disk' }
}

/** Faults of the request itself, which no pod will mend. */
function beyondHelp({ spec, entry, disk }: FollowFacts): Impediment | null {
  if (spec === null || disk) return null
  if (!spec.hotpluggable && entry?.hotplug) return { reason: 'NotDeclaredHotpluggable', cause: `volume ${spec.name} lacks hotpluggable: true, so KubeVirt makes an attachment pod for it and then never attaches it` }
  if (!isSerialTooLong(spec.disk.serial)) return null
  return { reason: 'InvalidSerial', cause: `serial ${JSON.stringify(spec.disk.serial.slice(0, 72))} is longer than 36 bytes: QEMU refuses it, and KubeVirt leaves the volume at MountedToPod for ever` }
}

function beforePod(facts: FollowFacts): Impediment | null {
  const { entry, pod, spec, hasLauncher } = facts
  if (isExposed(facts) || facts.disk) return null
  if (entry === null) return waits(`the status has no entry for volume ${facts.name} yet`)
  if (isWithdrawn(entry)) return waits('what an earlier volume of this name has left is being taken away')
  if (!hasLauncher) return { reason: 'LauncherNotFound', cause: 'no virt-launcher pod of the VM is known on this node' }
  if (entry.hotplug === null || (entry.hotplug.podName === '' && entry.hotplug.podUid === '')) return beforeAnyPod(entry, spec?.claim ?? '')
  if (pod !== null && !pod.ready) return notReady(pod)
  return isPodReady(facts) && entry.hotplug.podUid !== '' ? null : waits(`the status does not name the UID of attachment pod ${entry.hotplug.podName} yet`)
}

function waits(cause: string): Impediment {
  return { reason: 'AwaitingController', cause }
}

/** The controller's own words say why there is no pod. */
function beforeAnyPod({ phase, reason, message }: NonNullable<FollowFacts['entry']>, claim: string): Impediment {
  const words = [reason, message].filter(Boolean).join(': ')
  if (phase === 'Bound' || words === '') return waits('no attachment pod was made yet')
  return { reason: 'ClaimNotReady', cause: `claim ${claim}: ${words}` }
}

function notReady({ name, phase, hitch }: NonNullable<FollowFacts['pod']>): Impediment {
  const isFailing = hitch !== null && !ON_THE_WAY.includes(hitch.reason)
  const words = hitch === null ? '' : `: ${[hitch.reason, hitch.message].filter(Boolean).join(': ')}`
  return { reason: isFailing ? 'AttachmentPodFailing' : 'AttachmentPodNotReady', cause: `attachment pod ${name} is ${phase === 'Running' ? 'not ready' : phase || 'new'}${words}` }
}

/** What KubeVirt itself says of this very volume. */
function own({ name, failure, disk }: FollowFacts): Impediment | null {
  const diagnosis = disk ? null : diagnose(failure)
  return diagnosis?.volume === name ? { reason: diagnosis.reason, cause: diagnosis.cause } : null
}

function heldUp({ heldUpBy, disk }: FollowFacts): Impediment | null {
  if (heldUpBy === null || disk) return null
  return { reason: 'HeldUpByAnother', cause: `volume ${heldUpBy.volume} holds it up: ${heldUpBy.cause}` }
}

function waitsForHandler(facts: FollowFacts): Impediment | null {
  if (facts.disk) return { reason: 'AwaitingVirtHandler', cause: 'the guest has the disk, the status does not say so yet' }
  const what = isExposed(facts) ? 'attached' : 'brought into the launcher'
  return { reason: 'AwaitingVirtHandler', cause: `the volume is not ${what} yet` }
}

function obstacleOut({ entry, disk, exposed, name, failure }: FollowFacts): Impediment | null {
  const diagnosis = diagnose(failure)
  if (diagnosis?.volume === name) return { reason: diagnosis.reason, cause: diagnosis.cause }
  if (disk && isWithdrawn(entry)) return { reason: 'DiskStillListed', cause: `the status ${entry === null ? 'has no entry any more' : `says ${entry.phase}`}, but libvirt still lists the disk as ${disk.target}` }
  if (isWithdrawn(entry)) return exposed === true ? { reason: 'AwaitingVirtHandler', cause: 'the launcher still has the volume, although its status says that it was unmounted' } : null
  return { reason: 'AwaitingVirtHandler', cause: disk === null ? 'the disk has left the guest, its volume is not unmounted yet' : 'the disk is not detached yet' }
}
