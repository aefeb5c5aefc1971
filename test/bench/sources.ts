import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { targetName } from '../../src/core/disk/target-name.ts'
import { aliasOf, type DiskPlan } from '../../src/model/disk.ts'
import { makeBlockDevice } from '../support/lab.ts'
import type { Scope } from './scope.ts'

/** Something to plug. */
export interface Source {
  readonly kind: 'block' | 'file'
  readonly path: string
}

const SIZE_BYTES = 1 << 20

/** Loop devices, each over a sparse file of its own. */
async function makeBlocks(scope: Scope, count: number): Promise<Source[]> {
  const blocks: Source[] = []
  for (let i = 0; i < count; i++) blocks.push({ kind: 'block', path: (await makeBlockDevice(SIZE_BYTES, scope)).path })
  return blocks
}

/** Sparse raw images. */
export async function makeImages(scope: Scope, count: number): Promise<Source[]> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-bench-'))
  scope.teardown(() => rm(directory, { recursive: true, force: true }))
  const images = Array.from({ length: count }, (_, i) => ({ kind: 'file', path: join(directory, `${i}.img`) }) as const)
  for (const { path } of images) {
    await (await open(path, 'w')).close()
    await truncate(path, SIZE_BYTES)
  }
  return images
}

/** Block devices and images, taking turns. */
export async function makeMixed(scope: Scope, pairs: number): Promise<Source[]> {
  const [blocks, images] = [await makeBlocks(scope, pairs), await makeImages(scope, pairs)]
  return blocks.flatMap((block, i) => [block, images[i] ?? []].flat())
}

/** The disk as the agent would plug it, for the yardstick. */
export function planOf(volume: string, unit: number, { kind, path }: Source): DiskPlan {
  const address = { controller: 0, bus: 0, target: 0, unit }
  const disk = { serial: volume, readonly: false, shareable: false }
  return { volume, alias: aliasOf(volume), target: targetName(unit), address, sourceKind: kind, path, format: 'raw', disk }
}
