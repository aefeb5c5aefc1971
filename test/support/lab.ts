/**
 * The lab: a private libvirt with real Linux guests, and block devices to plug into them. Everything is real and nothing of
 * the machine's own libvirt is touched. Needs root and what `bash test/support/prepare.sh` installs.
 *
 * @example
 * ```ts
 * import t from 'tap'
 * import { makeBlockDevice, startGuest, startLibvirtHost } from '../support/lab.ts'
 *
 * t.test('a disk reaches the guest', async (t) => {
 *   const host = await startLibvirtHost(t)            // 0.1 s; libvirtd in its own mount namespace; ends with the test
 *   const guest = await startGuest(host)              // 0.7 s; 'vm1', running, persistent, one virtio-scsi controller
 *   const device = await makeBlockDevice(1 << 26, t)  // /dev/loopN over a sparse file
 *   host.uri                                          // qemu+unix:///session?socket=/proc/PID/root/run/libvirt/libvirt-sock
 *   await host.virsh('list', '--all')                 // whatever virsh can do
 *   const seen = guest.waitForDisk('data')            // asked before plugging, it resolves at the guest's own event
 *   // … plug device.path with serial `data` …
 *   const disk = await seen                           // { name: 'sda', serial: 'data', sizeBytes, readonly, address }
 *   await guest.write('data', 4096, 'hello')
 *   t.equal(String(await device.read(4096, 5)), 'hello')
 *   await host.kill9()                                // the daemon only; guests go on; then
 *   await host.restart()                              // the same uri answers again
 *   await guest.reboot()                              // 3 s
 * })
 * ```
 *
 * - Several guests of one host: `startGuest(host, { name: 'vm2' })`. Other hardware: `machine`, `memoryMiB`, `scsiControllers`
 *   (`[]`, `[0, 1]`, `[3]`), `disks` (already in the XML; boots, 3 s), `transient`, `coldBoot`. The first guest of a shape on a machine
 *   boots (5 s) and is kept in ~/.cache/hotplugd-lab; later ones are restored from there.
 * - Only a QEMU is wanted: `startPausedDomain(host, { name: 'p1' })` (0.2 s). Only a definition: `defineGuest`; then `guest.start()`.
 * - The daemon sees /run, /etc/libvirt and /var/{lib,log,cache}/libvirt of its own (`host.root` shows them from outside) and
 *   everything else as it is: put images into a directory of the test below the system's temporary directory, not below /run.
 * - Outside tests: `await using host = await startLibvirtHost()`. When the process dies, by SIGKILL too, daemon and guests are killed.
 */
export { BlockDevice, loopAside, makeBlockDevice } from './block-device.ts'
export { CommandError, run } from './command.ts'
export { type DiskEvent, type GuestDisk } from './guest/disk-view.ts'
export { diskXml, domainXml, escapeXml, type DomainDisk, type DomainIdentity, type DomainShape } from './guest/domain-xml.ts'
export { bootFiles, type BootFiles } from './guest/initramfs.ts'
export { Guest, type Boot, type Churn } from './guest.ts'
export { LibvirtHost, startLibvirtHost, type LibvirtHostOptions, type Teardown } from './libvirt-host.ts'
export { PROJECT } from './paths.ts'
export { defineGuest, startGuest, startPausedDomain, type GuestOptions } from './start-guest.ts'
export { Hopeless, PATIENCE_MS, until } from './wait.ts'
