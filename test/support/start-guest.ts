import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Guest } from './guest.ts'
import { domainXml, type DomainShape } from './guest/domain-xml.ts'
import { bootFiles } from './guest/initramfs.ts'
import { savedGuest, withCopy } from './guest/saved-image.ts'
import type { LibvirtHost } from './libvirt-host.ts'

export interface GuestOptions extends DomainShape {
  /** @default 'vm1' */
  readonly name?: string
  /** No definition outlives the running domain. @default false */
  readonly transient?: boolean
  /** Boot instead of restoring a guest that booted earlier; always so with `disks`. @default false */
  readonly coldBoot?: boolean
}

/**
 * A live guest, answering: restored from the lab's cache in less than a second (booted first if this machine has none
 * of that shape yet: some seconds), and defined, so that it can be rebooted, shut down and started again.
 */
export const startGuest = async (host: LibvirtHost, options: GuestOptions = {}): Promise<Guest> => {
  const identity = { name: options.name ?? 'vm1', uuid: randomUUID() }
  const boot = await bootFiles()
  const xml = `${host.root}/run/lab/${identity.name}.xml` // virsh reads it out here
  await writeFile(xml, domainXml(identity, boot, options))
  const guest = new Guest(host, identity.name)
  const define = options.transient ? [] : [`define ${xml}`]
  const cold = options.coldBoot || options.disks?.length
  if (cold) await bootCold(host, identity.name, xml, options)
  else await withCopy(await savedGuest(boot, shapeOf(options)), identity, host.root, async (saved) => void (await host.virsh([...define, `restore ${saved}`].join('; '))))
  await guest.waitUntilUp()
  return guest
}

/** Only what makes hardware, so that guests of one shape share one saved image. */
const shapeOf = ({ machine, memoryMiB, scsiControllers }: GuestOptions): DomainShape => ({
  ...(machine && { machine }),
  ...(memoryMiB && { memoryMiB }),
  ...(scsiControllers && { scsiControllers }),
})

/** Defines the domain without starting it. */
export const defineGuest = async (host: LibvirtHost, options: GuestOptions = {}): Promise<Guest> => {
  const identity = { name: options.name ?? 'vm1', uuid: randomUUID() }
  await host.define(domainXml(identity, await bootFiles(), options))
  return new Guest(host, identity.name)
}

/** A real QEMU that never runs a single instruction: takes hotplug all the same, and is there in 0.4 s. */
export const startPausedDomain = async (host: LibvirtHost, options: GuestOptions = {}): Promise<string> => {
  const guest = await defineGuest(host, options)
  await host.virsh('start', guest.name, '--paused')
  return guest.name
}

const bootCold = async (host: LibvirtHost, name: string, xml: string, options: GuestOptions): Promise<void> => {
  await host.virsh(options.transient ? `create ${xml}` : `define ${xml}; start ${name}`)
}
