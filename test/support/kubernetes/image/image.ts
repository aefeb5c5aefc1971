import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from '../../command.ts'

/** Packs a root file system as a docker archive, which every container runtime imports. Its command sleeps unless a pod names another. */
export const packImage = async (tree: string, name: string, archive: string): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-image-'))
  try {
    const layer = join(directory, 'layer.tar')
    await run('tar', ['--create', `--file=${layer}`, '--sort=name', '--mtime=@0', '--numeric-owner', `--directory=${tree}`, '.'])
    const config = { architecture: 'amd64', os: 'linux', config: { Cmd: ['/bin/sleep', '1000000'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] }, rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256(layer)}`] }, history: [] }
    await writeFile(join(directory, 'config.json'), JSON.stringify(config))
    await writeFile(join(directory, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]))
    await run('tar', ['--create', `--file=${archive}`, `--directory=${directory}`, 'manifest.json', 'config.json', 'layer.tar'])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
