import { copyFile, mkdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeBlockDevice, run } from '../support/lab.ts'
import { ctl, diskXml, makeDirectory, makeFile, makeImage, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)

t.test('a block device: what the guest writes is on the host', async (t) => {
  const device = await makeBlockDevice(4 * MIB, t)
  t.match(await plug(daemon, 'vm1', 'data', device.path), { target: 'sda', size: 4 * MIB, serial: 'data', source: device.path, hotplugVolume: {} })
  t.match(await guest.waitForDisk('data'), { sizeBytes: 4 * MIB, readonly: false })
  await guest.write('data', 4096, 'written by the guest')
  await unplug(daemon, 'vm1', 'data')
  await guest.waitForNoDisk('data')
  t.equal(String(await device.read(4096, 20)), 'written by the guest')
})

t.test('an image file, and a directory that holds disk.img', async (t) => {
  const image = await makeImage(t, 3 * MIB)
  const directory = await makeDirectory(t)
  await makeFile(join(directory, 'disk.img'), 2 * MIB)
  await plug(daemon, 'vm1', 'image', image)
  await plug(daemon, 'vm1', 'directory', directory)
  t.equal((await guest.waitForDisk('image')).sizeBytes, 3 * MIB)
  t.equal((await guest.waitForDisk('directory')).sizeBytes, 2 * MIB)
  t.match(await diskXml(host, 'vm1', 'directory'), `<source file='${directory}/disk.img'`)
  for (const name of ['image', 'directory']) await unplug(daemon, 'vm1', name)
})

t.test('a link that a user names is followed once; what it leads to later changes nothing', async (t) => {
  const [device, other] = [await makeBlockDevice(MIB, t), await makeBlockDevice(2 * MIB, t)]
  const link = join(await makeDirectory(t), 'by-name')
  await symlink(device.path, link)
  t.match(await plug(daemon, 'vm1', 'linked', link), { source: link })
  t.match(await diskXml(host, 'vm1', 'linked'), `<source dev='${device.path}'`)
  await rm(link)
  await symlink(other.path, link)
  t.match(await daemon.volume('vm1', 'linked'), { phase: 'Ready' })
  t.equal((await guest.waitForDisk('linked')).sizeBytes, MIB)
  await unplug(daemon, 'vm1', 'linked')
})

t.test('qcow2 is what its user calls so; its size is the guest’s', async (t) => {
  const image = await makeImage(t)
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', image, '16M'])
  t.match(await plug(daemon, 'vm1', 'cow', image, '--format=qcow2'), { size: 16 * MIB })
  t.equal((await guest.waitForDisk('cow')).sizeBytes, 16 * MIB)
  t.match(await diskXml(host, 'vm1', 'cow'), "type='qcow2'")
  await unplug(daemon, 'vm1', 'cow')
})

t.test('a raw image whose bytes look like qcow2 stays raw: the guest reads those bytes', async (t) => {
  const image = await makeImage(t)
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', '/etc/shadow', '-F', 'raw', image, '16M'])
  await truncate(image, MIB)
  await plug(daemon, 'vm1', 'trap', image)
  t.equal((await guest.waitForDisk('trap')).sizeBytes, MIB)
  t.equal((await guest.read('trap', 0, 4)).toString('hex'), '514649fb')
  t.match(await diskXml(host, 'vm1', 'trap'), /type='raw'[^]*<backingStore\/>/)
  await unplug(daemon, 'vm1', 'trap')
})

t.test('an image that is not a multiple of 512 bytes: the guest sees the sector it ends in, the file stays as long as it is', async (t) => {
  const image = await makeImage(t, MIB + 100)
  await plug(daemon, 'vm1', 'odd', image)
  t.equal((await guest.waitForDisk('odd')).sizeBytes, MIB + 512)
  await unplug(daemon, 'vm1', 'odd')
  t.equal((await stat(image)).size, MIB + 100)
})

t.test('readonly: the guest may only read', async (t) => {
  const image = await makeImage(t)
  await writeFile(image, Buffer.alloc(MIB, 'r'))
  await plug(daemon, 'vm1', 'fixed', image, '--readonly')
  t.match(await guest.waitForDisk('fixed'), { readonly: true })
  t.match(await diskXml(host, 'vm1', 'fixed'), '<readonly/>')
  t.equal(String(await guest.read('fixed', 512, 3)), 'rrr')
  await t.rejects(guest.write('fixed', 512, 'x'))
  await unplug(daemon, 'vm1', 'fixed')
})

t.test('cache and I/O mode are in the live XML', async (t) => {
  const image = await makeImage(t)
  const modes = [
    [['--cache=none', '--io=native'], /cache='none' io='native'/],
    [['--io=native'], /cache='none' io='native'/],
    [['--cache=writethrough', '--io=threads'], /cache='writethrough' io='threads'/],
    [['--cache=writeback'], /cache='writeback'/],
  ] as const
  for (const [flags, expected] of modes) {
    await plug(daemon, 'vm1', 'tuned', image, ...flags)
    t.match(await diskXml(host, 'vm1', 'tuned'), expected, flags.join(' '))
    await guest.waitForDisk('tuned') // a guest that is still reading its first sector would count an error
    await unplug(daemon, 'vm1', 'tuned')
  }
})

t.test('a dry run checks everything and changes nothing', async (t) => {
  const image = await makeImage(t)
  t.match(await ctl(daemon, 'addvolume', 'vm1', '--volume-name=dry', `--source=${image}`, '--dry-run'), /^Dry run: .*nothing was changed/)
  t.equal(await daemon.volume('vm1', 'dry'), undefined)
  await plug(daemon, 'vm1', 'dry', image)
  await ctl(daemon, 'removevolume', 'vm1', '--volume-name=dry', '--dry-run')
  t.match(await daemon.volume('vm1', 'dry'), { phase: 'Ready' })
  await guest.waitForDisk('dry')
  await unplug(daemon, 'vm1', 'dry')
})

t.test('removed and added again in one breath ends in the new one', async (t) => {
  const [first, second] = [await makeImage(t, MIB), await makeImage(t, 2 * MIB)]
  await plug(daemon, 'vm1', 'again', first)
  await guest.waitForDisk('again')
  await daemon.remove('vm1', 'again')
  t.equal((await daemon.add('vm1', 'again', second, { serial: 'NEW' })).status, 202)
  t.equal((await guest.waitForDisk('NEW')).sizeBytes, 2 * MIB)
  await guest.waitForDisks(['NEW'])
  await daemon.ready('vm1', 'again')
  await unplug(daemon, 'vm1', 'again')
})

t.test('paths with spaces, quotes, commas and letters of the world', async (t) => {
  const directory = join(await makeDirectory(t), `a 'quoted' <dir> & "more", ünïcode`)
  await mkdir(directory)
  const plain = await makeImage(t)
  const image = join(directory, 'disk,1=x.img')
  await copyFile(plain, image)
  await plug(daemon, 'vm1', 'odd-path', image)
  t.match(await guest.waitForDisk('odd-path'), { sizeBytes: MIB })
  await unplug(daemon, 'vm1', 'odd-path')
})

t.test('nothing is left of any of them', async (t) => {
  t.same(await guest.disks(), [])
  t.equal(await guest.ioErrors(), 0)
  t.same(await daemon.volumes('vm1'), [])
})
