import { checkPodUid } from '../../../core/node/pod-uid.ts'
import { HotplugError } from '../../../errors.ts'
import type { AttachmentPod } from '../../../model/pods.ts'
import { addon } from '../binding.ts'
import type { KnownPods } from './known-pods.ts'
import type { PodBlock, PodFile, Refused } from './pod-binding.ts'
import { isOutdated } from './pod-views.ts'
import { failed } from '../system-failure.ts'

/** A source found in an attachment pod, or in words why that pod does not have it (yet, or any more). */
export type LookUp = PodBlock | PodFile | { readonly kind: 'absent'; readonly why: string }

export interface LookUpRoots {
  readonly podsDirectory: string
  readonly proc: string
  readonly sysfs: string
}

/**
 * Looks a claim up in one attachment pod: the device node that the runtime made for it, or the disk.img at the root of the
 * volume where it is mounted. Throws HotplugError for what is there but cannot be used: UnsafePath, ImageMissing,
 * SourceEmpty, SourceChanged, SourceUnreadable.
 */
export async function lookUpInPod(pod: AttachmentPod, volume: string, known: KnownPods, roots: LookUpRoots): Promise<LookUp> {
  try {
    return pod.volumeMode === 'Block' ? await lookUpDevice(pod, volume, roots) : await lookUpImage(pod, volume, known)
  } catch (error) {
    if (isOutdated(error)) return { kind: 'absent', why: 'its container ended meanwhile' }
    if (error instanceof HotplugError) throw error
    throw failed('SourceUnreadable', `look at volume ${volume} in attachment pod ${pod.name}`, error)
  }
}

async function lookUpDevice(pod: AttachmentPod, volume: string, { podsDirectory, proc, sysfs }: LookUpRoots): Promise<LookUp> {
  checkPodUid(pod.uid)
  if (pod.claimUid !== null) checkPodUid(pod.claimUid)
  const found = await addon.lookUpPodDevice(podsDirectory, pod.uid, volume, pod.claimUid, { proc, sysfs })
  if (found.kind === 'missing') return { kind: 'absent', why: `it has no device node at /path/${volume}${pod.claimUid === null ? '' : `/${pod.claimUid}`}` }
  if (found.kind !== 'block') throw refusal(pod, volume, found)
  if (found.kubeletDevices.length > 0 && !found.kubeletDevices.includes(found.device)) throw foreignDevice(pod, volume, found)
  if (found.sizeBytes === 0) throw refusal(pod, volume, { kind: 'empty', path: volume, what: `block device ${found.device}`, target: '' })
  return found
}

async function lookUpImage(pod: AttachmentPod, volume: string, known: KnownPods): Promise<LookUp> {
  const found = await lookAtPlace(pod, volume, known).catch((error: unknown) => {
    if (!isOutdated(error)) throw error
    known.forget(pod.uid, volume)
    return lookAtPlace(pod, volume, known)
  })
  if (found === null) return { kind: 'absent', why: `nothing is mounted at /${volume} in it` }
  if (found.kind === 'file') return found
  throw refusal(pod, volume, found)
}

async function lookAtPlace(pod: AttachmentPod, volume: string, known: KnownPods): Promise<PodFile | Refused | null> {
  const place = await known.attachedVolume(pod.uid, volume)
  return place === null ? null : addon.lookUpPodImage(place, volume)
}

function refusal(pod: AttachmentPod, volume: string, { kind, path, what, target }: Refused): HotplugError {
  const where = `in attachment pod ${pod.name}`
  const detail = { pod: pod.uid, volume, path, what }
  switch (kind) {
    case 'missing':
      return new HotplugError('ImageMissing', `volume ${volume} holds no ${what} (${where})`, { detail })
    case 'empty':
      return new HotplugError('SourceEmpty', `${path} ${where} has no bytes`, { detail })
    case 'noDevice':
      return new HotplugError('SourceMissing', `${path} ${where} is a device node, but the kernel has no block device ${what}`, { detail })
    case 'changed':
      return new HotplugError('SourceChanged', `${path} ${where} became another one while it was looked at`, { detail })
    case 'unsafe':
    case 'gone':
    case 'other':
    default:
      return new HotplugError('UnsafePath', `${path} ${where} is a ${what}${target === '' ? '' : ` to ${target}`}`, { detail })
  }
}

function foreignDevice(pod: AttachmentPod, volume: string, { device, kubeletDevices }: PodBlock): HotplugError {
  const known = kubeletDevices.join(', ')
  const message = `the device node of volume ${volume} in attachment pod ${pod.name} is ${device}, but the kubelet gave that pod ${known}`
  return new HotplugError('UnsafePath', message, { remedy: 'Find out who changed the node in the attachment pod, and delete that pod.', detail: { pod: pod.uid, volume, device } })
}
