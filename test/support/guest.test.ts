import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { diskXml, makeBlockDevice, startGuest, startLibvirtHost, type Guest, type LibvirtHost } from './lab.ts'

const SIZE = 1 << 26

const attach = async (host: LibvirtHost, guest: Guest, path: string, serial: string): Promise<string> => {
  const xml = `${host.root}/run/lab/${serial}.xml`
  await writeFile(xml, diskXml({ path, type: 'block', target: 'sda', unit: 0, serial }))
  await host.virsh('attach-device', guest.name, xml, '--live')
  return xml
}

t.test('a guest sees a disk, writes to it, and the bytes are on the host', async (t) => {
  const host = await startLibvirtHost(t)
  const guest = await startGuest(host)
  const device = await makeBlockDevice(SIZE, t)
  t.strictSame(await guest.disks(), [])

  const seen = guest.waitForDisk('Data-1')
  const xml = await attach(host, guest, device.path, 'Data-1')
  t.match(await seen, { serial: 'Data-1', sizeBytes: SIZE, readonly: false, address: /:0:0$/ })
  await guest.write('Data-1', 8192, 'from the guest')
  t.equal(String(await device.read(8192, 14)), 'from the guest')
  await device.write(4096, Buffer.from('from the host'))
  t.equal(String(await guest.read('Data-1', 4096, 13)), 'from the host')
  t.match(await guest.shell('ls /dev/disk/by-id; mke2fs -q /dev/disk/by-id/*Data-1 && mount -t ext4 /dev/sda /mnt && umount /mnt'), {
    exitCode: 0,
    output: 'scsi-0QEMU_QEMU_HARDDISK_Data-1\n',
  })

  await device.grow(2 * SIZE)
  const grown = guest.waitForDisk('Data-1', 2 * SIZE)
  await host.virsh('blockresize', guest.name, 'sda', `${2 * SIZE}b`)
  t.equal((await grown).sizeBytes, 2 * SIZE)

  await guest.startChurn('Data-1')
  await guest.reboot()
  t.match(await guest.disk('Data-1'), { sizeBytes: 2 * SIZE })
  t.equal(await guest.ioErrors(), 0)
  await host.virsh('detach-device', guest.name, xml, '--live')
  await guest.waitForNoDisk('Data-1')
})

t.test('a writer in the guest outlives the daemon and sees no error', async (t) => {
  const host = await startLibvirtHost(t)
  const guest = await startGuest(host)
  const device = await makeBlockDevice(SIZE, t)
  await attach(host, guest, device.path, 'busy')
  await guest.waitForDisk('busy')
  await guest.startChurn('busy')
  const before = { qemu: await guest.qemuPid(), daemon: host.pid }
  await host.kill9()
  await t.rejects(host.virsh('list'), /Connection refused/)
  await host.restart()
  t.not(host.pid, before.daemon)
  t.equal(await guest.qemuPid(), before.qemu)
  t.match(await host.virsh('list --name'), /^vm1$/m)
  const churn = await guest.stopChurn('busy')
  t.ok(churn.writtenBlocks > 0)
  t.equal(churn.errors, 0)
  t.equal(await guest.ioErrors(), 0)
})

t.test('guests differ in hardware and share a host', async (t) => {
  const host = await startLibvirtHost(t)
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-lab-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const image = join(directory, 'disk.img')
  await writeFile(image, Buffer.alloc(1 << 20))
  const [plain, bare, many] = [
    await startGuest(host, { name: 'vm1', disks: [{ path: image, type: 'file', target: 'sda', unit: 3, serial: 'root' }] }),
    await startGuest(host, { name: 'vm2', scsiControllers: [] }),
    await startGuest(host, { name: 'vm3', scsiControllers: [0, 1], transient: true }),
  ]
  t.match(await plain.disks(), [{ serial: 'root', sizeBytes: 1 << 20, address: /:0:3$/ }])
  t.equal((await bare.shell('ls /sys/class/scsi_host | wc -l')).output, '0\n')
  t.equal((await many.shell('ls /sys/class/scsi_host | wc -l')).output, '2\n')
  t.match(await host.virsh('list --name --transient'), /^vm3$/m)
  await plain.poweroff()
  await plain.start()
  t.match(await plain.disk('root'), { name: 'sda' })
})

t.test('a QEMU that is not root gets what libvirt gives it', async (t) => {
  const host = await startLibvirtHost(t, { qemu: { user: 'libvirt-qemu', group: 'libvirt-qemu', dynamic_ownership: 1 } })
  const guest = await startGuest(host)
  t.not((await stat(`/proc/${await guest.qemuPid()}`)).uid, 0)
  const device = await makeBlockDevice(SIZE, t)
  t.equal((await stat(device.path)).uid, 0)
  await attach(host, guest, device.path, 'given')
  await guest.waitForDisk('given')
  t.not((await stat(device.path)).uid, 0)
})
