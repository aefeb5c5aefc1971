import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDaemon, type Daemon } from '../support/daemon.ts'
import { makeBlockDevice, startGuest, startLibvirtHost, type BlockDevice, type Guest, type LibvirtHost } from '../support/lab.ts'
import type { Show } from './show.ts'
import { formatBytes, table } from './table.ts'
import { observe, type VolumeRow } from './volumes.ts'
import type { World } from './world.ts'

const MIB = 1 << 20
const WORDS = 'written in the guest, read on the host'
const OFFSET = 1 * MIB

/** What runs once everything was started. */
export interface Running {
  readonly host: LibvirtHost
  readonly guest: Guest
  readonly daemon: Daemon
}

export const startEverything = async (world: World, show: Show): Promise<Running> => {
  const host = await show.step('A private libvirt; that of this machine, if any, is not touched', () => startLibvirtHost(world))
  const guest = await show.step('A small Linux guest (without KVM; booted once per machine, then restored)', async () => {
    const started = await startGuest(host)
    show.line((await started.shell('uname -srm')).output)
    return started
  })
  const daemon = await show.step('hotplugd', () => startDaemon(world, { libvirt: host.uri, directories: world.directories }))
  return { host, guest, daemon }
}

/** The whole show; returns the rows of the closing table. */
export const playThrough = async (world: World, show: Show, running: Running): Promise<VolumeRow[]> => {
  const { guest, daemon } = running
  const device = await makeBlockDevice(64 * MIB, world)
  const image = await world.image('backup.img', 32 * MIB)
  const first = await plug(show, running, { volume: 'data', serial: 'DATA-0001', source: device.path, what: 'block device' })
  await plug(show, running, { volume: 'backup', serial: 'BACKUP-0001', source: image, what: 'disk image' })
  await show.step('The guest’s own list of disks', () => listDisks(show, guest))
  await show.step('Write in the guest, unplug, read the bytes on the host', () => writeAndUnplug(show, running, device))
  const again = await plug(show, running, { volume: 'data', serial: 'DATA-0002', source: device.path, what: 'same block device under another serial' })
  await show.step('The guest finds its bytes under the new serial', () => readBack(show, guest))
  await show.step('A volume that cannot be plugged, and what `explain` says of it', () => failAndExplain(world, show, running))
  const present = [await observe(daemon, guest, 'backup', 'BACKUP-0001'), again, await observe(daemon, guest, 'archive', 'ARCHIVE-0001')]
  return [{ ...first, phase: '(unplugged)', reason: '' }, ...present]
}

interface Plug {
  readonly volume: string
  readonly serial: string
  readonly source: string
  readonly what: string
}

const plug = (show: Show, { guest, daemon }: Running, { volume, serial, source, what }: Plug): Promise<VolumeRow> =>
  show.step(`Plug a ${what}`.replace('a same', 'the same'), async () => {
    await type(show, daemon, ['addvolume', guest.name, `--volume-name=${volume}`, `--source=${source}`, `--serial=${serial}`, '--wait'])
    await guest.waitForDisk(serial)
    return observe(daemon, guest, volume, serial)
  })

/** Shows the command as a user would type it, and what it prints. */
const type = async (show: Show, daemon: Daemon, args: readonly string[]): Promise<void> => {
  show.line(`$ hotplugctl ${args.join(' ')}`)
  const { exitCode, stdout, stderr } = await daemon.ctl(...args)
  show.line(stdout + stderr)
  if (exitCode !== 0) throw new Error(`hotplugctl ${args[0]} ended with ${exitCode}`)
}

const listDisks = async (show: Show, guest: Guest): Promise<void> => {
  const disks = [...(await guest.disks())].sort((a, b) => (a.name < b.name ? -1 : 1))
  show.line(table([['NAME', 'SERIAL', 'SIZE'], ...disks.map((disk) => [`/dev/${disk.name}`, disk.serial, formatBytes(disk.sizeBytes)])]))
  show.line(`$ ls /dev/disk/by-id\n${(await guest.shell('ls /dev/disk/by-id')).output}`)
}

const writeAndUnplug = async (show: Show, { guest, daemon }: Running, device: BlockDevice): Promise<void> => {
  await guest.write('DATA-0001', OFFSET, WORDS)
  show.line(`the guest wrote "${WORDS}"`)
  await type(show, daemon, ['removevolume', guest.name, '--volume-name=data', '--wait'])
  await guest.waitForNoDisk('DATA-0001')
  same(String(await device.read(OFFSET, WORDS.length)), `${device.path} on the host`)
  show.line(`${device.path} on the host holds "${WORDS}"`)
}

const readBack = async (show: Show, guest: Guest): Promise<void> => {
  same(String(await guest.read('DATA-0002', OFFSET, WORDS.length)), 'the disk in the guest')
  const errors = await guest.ioErrors()
  if (errors > 0) throw new Error(`the guest's kernel reports ${errors} I/O errors`)
  show.line(`the guest read "${WORDS}"; its kernel reports no I/O error`)
}

const same = (found: string, where: string): void => {
  if (found !== WORDS) throw new Error(`${where} holds ${JSON.stringify(found)} and not what the guest wrote`)
}

const manifest = (vm: string, path: string): string => `apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata:
  name: ${vm}
spec:
  domain:
    devices:
      disks:
        - name: archive
          serial: ARCHIVE-0001
          disk: {bus: scsi}
  volumes:
    - name: archive
      local: {path: ${path}}
`

/** By manifest, because by command line a missing source is refused at once. */
const failAndExplain = async (world: World, show: Show, { guest, daemon }: Running): Promise<void> => {
  const file = join(world.directories.manifests, `${guest.name}.yaml`)
  await writeFile(file, manifest(guest.name, join(world.directories.base, 'missing.img')))
  show.line(`wrote ${file}`)
  await daemon.reason(guest.name, 'archive', 'SourceMissing')
  await type(show, daemon, ['explain', guest.name, 'archive'])
}
