import { chown, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeBlockDevice, type BlockDevice } from '../../block-device.ts'
import { run } from '../../command.ts'
import type { Teardown } from '../../libvirt-host.ts'
import { until } from '../../wait.ts'
import { claim, localVolume, type ClaimShape } from '../objects/claims.ts'
import type { KubeObject, Made } from '../objects/kube-object.ts'
import type { AttachedClaim } from '../objects/pods.ts'
import type { VolumeMode } from '../objects/vmi.ts'
import type { Cluster } from './cluster.ts'

export interface VolumeOptions {
  /** Of the volume and its claim. */
  readonly name: string
  /** @default 'Block' */
  readonly mode?: VolumeMode
  /** @default 'default' */
  readonly namespace?: string
  /** Of the device, or of the image in the file system, which is twice as large. @default 64 MiB */
  readonly sizeBytes?: number
}

/** A local volume of the node with its bound claim. */
export interface NodeVolume extends AttachedClaim {
  readonly shape: ClaimShape
  /** What is behind it: the volume itself, or the device of its ext4. */
  readonly device: BlockDevice
  /** The guest's bytes, seen from here: the device, or disk.img in the node's mount. */
  readonly path: string
}

const QEMU_USER = 107
const MIB = 1 << 20

/** Makes a block device, or a disk.img in an ext4 mounted on the node, and a volume and a claim for it. */
export const makeVolume = async (cluster: Cluster, options: VolumeOptions, t?: Teardown): Promise<NodeVolume> => {
  const { name, mode = 'Block', namespace = 'default', sizeBytes = 64 * MIB } = options
  const shape = { name, mode, namespace, size: `${sizeBytes / MIB}Mi` }
  const device = await makeBlockDevice(mode === 'Block' ? sizeBytes : 2 * sizeBytes, t)
  const place = mode === 'Block' ? device.path : await mountImage(cluster, device, { name: `${namespace}-${name}`, sizeBytes })
  await cluster.server.create(localVolume({ ...shape, volumeName: volumeName(shape) }, place))
  const { status: _status, ...wanted } = claim({ ...shape, volumeName: volumeName(shape) })
  const made = await cluster.server.create(wanted as KubeObject)
  const bound = await until(`claim ${name} to be bound`, async () => {
    const now: Made = await cluster.server.get(made)
    return (now['status'] as { phase?: string }).phase === 'Bound' && now
  })
  return { volume: name, claim: bound, mode, shape, device, path: mode === 'Block' ? device.path : `${cluster.root}${place}/disk.img` }
}

const volumeName = ({ name, namespace = 'default' }: ClaimShape): string => `pv-${namespace}-${name}`

const mountImage = async (cluster: Cluster, device: BlockDevice, { name, sizeBytes }: { name: string; sizeBytes: number }): Promise<string> => {
  const place = join(cluster.directory, 'volumes', name)
  await mkdir(place, { recursive: true })
  await run('mkfs.ext4', ['-q', device.path])
  await cluster.run('mount', device.path, place)
  const image = await open(`${cluster.root}${place}/disk.img`, 'w')
  await image.truncate(sizeBytes)
  await image.close()
  await chown(`${cluster.root}${place}`, QEMU_USER, QEMU_USER)
  await chown(`${cluster.root}${place}/disk.img`, QEMU_USER, QEMU_USER)
  return place
}
