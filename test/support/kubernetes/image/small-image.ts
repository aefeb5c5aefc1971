import { copyFile, mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, fileStamp } from '../../cache.ts'
import { run } from '../../command.ts'
import { supportFile } from '../../paths.ts'
import { packImage } from './image.ts'

const APPLETS = ['sh', 'sleep', 'cat', 'ls', 'stat', 'dd', 'id', 'true', 'wget']
const BUSYBOX = '/bin/busybox'
const CONTAINER_DISK = supportFile('kubernetes/image/container-disk.c')

/** A docker archive of busybox and the program of an attachment pod: its name is both sandbox's and attachment pods'. */
export const smallImage = async (name: string): Promise<string> => {
  const ingredients = [name, APPLETS.join(' '), await fileStamp(BUSYBOX), await fileStamp(CONTAINER_DISK)]
  const directory = await cached('image', ingredients, async (into) => {
    const tree = join(into, 'tree')
    for (const path of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'var', 'run', 'usr/bin', 'path']) await mkdir(join(tree, path), { recursive: true })
    await copyFile(BUSYBOX, join(tree, 'bin/busybox'))
    await run(BUSYBOX, ['chmod', '755', join(tree, 'bin/busybox')])
    for (const applet of APPLETS) await symlink('busybox', join(tree, 'bin', applet))
    await run('gcc', ['-static', '-O2', '-Wall', '-s', '-o', join(tree, 'usr/bin/container-disk'), CONTAINER_DISK])
    await packImage(tree, name, join(into, 'image.tar'))
    await rm(tree, { recursive: true })
  })
  return join(directory, 'image.tar')
}
