import { REASONS, type Reason } from '../../errors.ts'
import type { Condition, Phase, Stage, VolumeStatus } from '../../model/status.ts'

/** An entry of `status.volumeStatus[]`: KubeVirt's fields, and then our own. */
export interface VolumeObject {
  readonly name: string
  readonly target: string
  readonly phase?: Phase
  readonly reason?: string
  readonly message?: string
  /** Its presence says that the disk is hot-plugged; a host without Kubernetes has nothing to put into it. */
  readonly hotplugVolume?: Readonly<Record<string, never>>
  /** Bytes. */
  readonly size?: number
  readonly serial?: string
  readonly source?: string
  readonly origin?: string
  readonly persisted?: boolean
  /** What a person can do; only while something is to be said. */
  readonly remedy?: string
  readonly conditions?: readonly Condition[]
  readonly stages?: readonly Stage[]
}

/** One disk of a VM. What is unknown is left out, as Kubernetes does. */
export function volumeObject(volume: VolumeStatus): VolumeObject {
  return {
    name: volume.name,
    target: volume.target,
    ...(volume.phase === null ? {} : { phase: volume.phase }),
    ...(volume.reason === '' ? {} : { reason: volume.reason }),
    ...(volume.message === '' ? {} : { message: volume.message }),
    ...(volume.hotplugged ? { hotplugVolume: {} } : {}),
    ...(volume.sizeBytes === null ? {} : { size: volume.sizeBytes }),
    ...(volume.serial === null ? {} : { serial: volume.serial }),
    ...(volume.source === null ? {} : { source: volume.source }),
    ...(volume.hotplugged ? ownPart(volume) : persistedPart(volume)),
  }
}

/** A disk that came up with the VM because of us: without this nobody could see that it can be removed. */
function persistedPart({ origin, persisted }: VolumeStatus): Partial<VolumeObject> {
  return origin === null ? {} : { origin, persisted }
}

function ownPart({ origin, persisted, reason, remedy: own, conditions, stages }: VolumeStatus): Partial<VolumeObject> {
  const remedy = reason === 'VolumeReady' ? undefined : (own ?? REASONS[reason as Reason]?.remedy)
  return {
    ...(origin === null ? {} : { origin }),
    persisted,
    ...(remedy === undefined ? {} : { remedy }),
    conditions,
    stages,
  }
}
