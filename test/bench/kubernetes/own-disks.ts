import { mkdir, stat, truncate, writeFile } from 'node:fs/promises'
import type { DiskPlan } from '../../../src/model/disk.ts'
import { makeBlockDevice, run } from '../../support/lab.ts'
import type { SceneVm } from '../../system/kubernetes/scene.ts'
import type { Scope } from '../scope.ts'
import { planOf } from '../sources.ts'

/** Far from the places that the agent takes. */
const FIRST_UNIT = 30
const SIZE_BYTES = 64 << 20
const DIRECTORY = '/run/lab'

export type Kind = 'block' | 'image'
type Device = readonly [major: number, minor: number]

/** Devices for the yardstick: the launcher must be allowed to use them from the start. */
export interface OwnDevices {
  readonly devices: readonly Device[]
}

export async function makeOwnDevices(scope: Scope, count: number): Promise<OwnDevices> {
  const devices: Device[] = []
  for (let i = 0; i < count; i++) {
    const { rdev } = await stat((await makeBlockDevice(SIZE_BYTES, scope)).path)
    devices.push([(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)])
  }
  return { devices }
}

/** What the yardstick plugs: disks of the same kinds, lying ready in the launcher, so that libvirt's own share is all it measures. */
export async function layOut({ launcher }: SceneVm, { devices }: OwnDevices): Promise<Readonly<Record<Kind, readonly DiskPlan[]>>> {
  const directory = `${launcher.pod.root}${DIRECTORY}`
  await mkdir(directory, { recursive: true })
  for (const [i, [major, minor]] of devices.entries()) {
    await run('mknod', [`${directory}/yard-block${i}`, 'b', String(major), String(minor)])
    await writeFile(`${directory}/yard-image${i}`, '')
    await truncate(`${directory}/yard-image${i}`, SIZE_BYTES)
  }
  const plan = (kind: Kind, i: number): DiskPlan => {
    const source = { kind: kind === 'block' ? 'block' : 'file', path: `${DIRECTORY}/yard-${kind}${i}` } as const
    return planOf(`yard-${kind}${i}`, FIRST_UNIT + 2 * i + (kind === 'block' ? 0 : 1), source)
  }
  return { block: devices.map((_, i) => plan('block', i)), image: devices.map((_, i) => plan('image', i)) }
}
