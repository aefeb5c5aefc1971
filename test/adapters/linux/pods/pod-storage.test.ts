import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createProcesses } from '../../../../src/adapters/linux/processes.ts'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { refOf } from '../fixture.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

const CGROUPS = CGROUP_VERSIONS[0] ?? 'v2'

/** Some kernels have it as a module that is not there. */
const HAS_BTRFS = (await readFile('/proc/filesystems', 'utf8')).includes('\tbtrfs\n')

/** Plugs the image, reads it inside, sees it open, and takes it out again. Resolves with its identity. */
async function plugImage(t: Test, lab: PodLab, volume: string, content: string): Promise<string> {
  const { source, exposure } = await lab.expose(volume)
  t.equal(await lab.launcher.exec('head', '-c', String(content.length), exposure.path), content, volume)
  t.same(await lab.sources.identify(exposure), source.identity, volume)
  const pid = await lab.act('qemu-system-x86_64', 'hold', exposure.path)
  t.ok(await createProcesses().holdsOpen(await refOf(pid), source.identity), `${volume} is seen to be open`)
  process.kill(pid, 'SIGKILL')
  await until('the mount to be let go', () => lab.exposures.release(VM, exposure).then(() => true, () => false))
  t.notMatch(await readFile(`/proc/${lab.launcher.pid}/mountinfo`, 'utf8'), `${volume}.img`)
  return JSON.stringify(source.identity)
}

async function directoryOn(lab: PodLab, ...path: readonly string[]): Promise<string> {
  const directory = join(...(path as [string, ...string[]]))
  await mkdir(lab.node.root + directory, { recursive: true })
  return directory
}

const imageOf = (content: string): Buffer => Buffer.alloc(MIB, content)

void tap.test('a directory of the root file system, and one of a separate device', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(null)
  for (const [volume, directory] of [['root', await directoryOn(lab, lab.node.kubeletDir, 'host path')], ['sub', await directoryOn(lab, at, 'a/b')]] as const) {
    await lab.writeOn(join(directory, 'disk.img'), imageOf(volume))
    await lab.attachFilesystem(volume, directory)
    await plugImage(t, lab, volume, volume)
  }
})

void tap.test('several claims on one file system, as of one server', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(imageOf('whole '))
  const again = await directoryOn(lab, lab.node.kubeletDir, `again-${randomUUID()}`)
  await lab.node.run('mount', '--bind', at, again)
  const other = await directoryOn(lab, at, 'other')
  await lab.writeOn(join(other, 'disk.img'), imageOf('other '))
  await lab.attachFilesystem('one', at)
  await lab.attachFilesystem('same', again)
  await lab.attachFilesystem('other', other)
  const one = await plugImage(t, lab, 'one', 'whole ')
  t.equal(await plugImage(t, lab, 'same', 'whole '), one, 'two claims, one image')
  t.not(await plugImage(t, lab, 'other', 'other '), one)
})

void tap.test('a file system in memory', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const at = await directoryOn(lab, lab.node.kubeletDir, 'memory')
  await lab.node.run('mount', '-t', 'tmpfs', 'memory', at)
  await lab.writeOn(join(at, 'disk.img'), imageOf('memory'))
  await lab.attachFilesystem('mem', at)
  await plugImage(t, lab, 'mem', 'memory')
})

if (HAS_BTRFS) {
  void tap.test('subvolumes of btrfs', async (t) => {
    const lab = await startPodLab(t, CGROUPS)
    const device = await makeBlockDevice(128 * MIB, t)
    await run('mkfs.btrfs', ['-q', device.path])
    const top = await directoryOn(lab, lab.node.kubeletDir, 'top')
    await lab.node.run('mount', device.path, top)
    for (const volume of ['s1', 's2']) {
      await lab.node.run('btrfs', 'subvolume', 'create', join(top, volume))
      const at = await directoryOn(lab, lab.node.kubeletDir, `mounted ${volume}`)
      await lab.node.run('mount', '-o', `subvol=${volume}`, device.path, at)
      await lab.writeOn(join(at, 'disk.img'), imageOf(volume))
      await lab.attachFilesystem(volume, at)
    }
    t.not(await plugImage(t, lab, 's1', 's1'), await plugImage(t, lab, 's2', 's2'))
  })
}
