import { type PodFacts, readPod } from '../../src/core/cluster/pod-facts.ts'
import { observedVmi } from '../../src/core/cluster/observed-vmi.ts'
import { readVmi, type Vmi } from '../../src/core/cluster/vmi.ts'
import { launcherAmong } from '../../src/core/cluster/vmi-pods.ts'
import type { Moment } from '../../src/core/follow/way.ts'
import type { LiveDisk } from '../../src/model/disk.ts'
import type { DomainView } from '../../src/model/domain.ts'
import type { ObservedVmi } from '../../src/model/observed.ts'
import { sample, sampleWith } from '../support/kubernetes/samples.ts'

const LAUNCHER = podOf('launcher-pod')
/** Every pod of the samples. */
export const PODS: readonly PodFacts[] = [LAUNCHER, ...['attachment-pod-b1', 'attachment-pod-b1-f1', 'attachment-pod-f1-replacement'].map(podOf)]

/** The VMI of a sample as the companion sees it, with some values replaced. */
export function observed(name: string, changes: Readonly<Record<string, unknown>> = {}, pods: readonly PodFacts[] = PODS): ObservedVmi {
  const vmi = readVmi(sampleWith(name, changes)) as Vmi
  return observedVmi(vmi, launcherAmong(pods, vmi, 'node1'), pods)
}

function podOf(name: string): PodFacts {
  return readPod(sample(name)) as PodFacts
}

/** A disk as KubeVirt's own are listed. */
export function hotplugDisk(volume: string, over: Partial<LiveDisk> = {}): LiveDisk {
  return {
    target: 'sda', bus: 'scsi', device: 'disk', sourceType: 'block', source: `/var/run/kubevirt/hotplug-disks/${volume}`, format: 'raw', serial: volume,
    alias: `ua-${volume}`, address: { controller: 0, bus: 0, target: 0, unit: 0 }, readonly: false, shareable: false, backing: [], ...over,
  }
}

export function domainWith(...disks: readonly LiveDisk[]): DomainView {
  return { uuid: 'c114980f', state: 'running', persistent: true, process: null, disks, scsiControllers: [0], persistentDisks: [] }
}

/** The n-th moment of a story, a second each. */
export function moment(second: number): Moment {
  return { iso: new Date(second * 1_000).toISOString(), monotonicMs: second * 1_000 }
}
