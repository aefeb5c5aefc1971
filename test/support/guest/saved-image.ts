import { chmod, copyFile, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../cache.ts'
import { hypervisorStamps } from '../libvirt/capabilities.ts'
import { startLibvirtHost } from '../libvirt-host.ts'
import { Guest } from '../guest.ts'
import { channelPath, domainXml, type DomainIdentity, type DomainShape } from './domain-xml.ts'
import type { BootFiles } from './initramfs.ts'

const MODEL: DomainIdentity = { name: 'model', uuid: '6c616200-0000-4000-8000-000000000000' }
/** struct _virQEMUSaveHeader: magic, version, data_len, was_running, compressed, cookieOffset, 14 unused words. */
const HEADER_BYTES = 92
const DATA_LENGTH_AT = 20
const COOKIE_OFFSET_AT = 32

/** A guest of that shape, booted once on this machine and saved; returns the file. */
export const savedGuest = async (boot: BootFiles, shape: DomainShape): Promise<string> => {
  const xml = domainXml(MODEL, boot, shape)
  const directory = await cached('guest', [...(await hypervisorStamps()), xml], (into) => bootAndSave(xml, join(into, 'saved')))
  return join(directory, 'saved')
}

const bootAndSave = async (xml: string, path: string): Promise<void> => {
  await using host = await startLibvirtHost()
  await host.define(xml)
  const guest = new Guest(host, MODEL.name)
  await guest.start()
  guest.close()
  await host.virsh('save', MODEL.name, path)
}

/**
 * Writes a copy of a saved guest that bears another name. libvirt refuses to rename a saved domain, but the XML in the
 * file's head is all that it looks at; QEMU's part of the file knows no names.
 */
const copyUnderName = async (saved: string, identity: DomainIdentity, to: string): Promise<void> => {
  await copyFile(saved, to)
  await chmod(to, 0o644) // read by a libvirt that is not root
  const file = await open(to, 'r+')
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    await file.read(header, 0, HEADER_BYTES, 0)
    const data = Buffer.alloc(header.readUInt32LE(DATA_LENGTH_AT))
    await file.read(data, 0, data.length, HEADER_BYTES)
    const renamed = rename(data, header.readUInt32LE(COOKIE_OFFSET_AT), identity)
    header.writeUInt32LE(renamed.cookieOffset, COOKIE_OFFSET_AT)
    await file.write(Buffer.concat([header, renamed.data]), 0, HEADER_BYTES + data.length, 0)
  } finally {
    await file.close()
  }
}

const rename = (data: Buffer, cookieOffset: number, identity: DomainIdentity): { data: Buffer; cookieOffset: number } => {
  const text = (from: number): string => data.toString('utf8', from, data.indexOf(0, from))
  const xml = text(0)
    .replace(`<name>${MODEL.name}</name>`, `<name>${identity.name}</name>`)
    .replaceAll(MODEL.uuid, identity.uuid)
    .replaceAll(channelPath(MODEL.name), channelPath(identity.name))
    .replaceAll(`${MODEL.name}-console.log`, `${identity.name}-console.log`)
  const cookie = cookieOffset === 0 ? '' : `${text(cookieOffset)}\0`
  const whole = Buffer.from(`${xml}\0${cookie}`)
  if (whole.length > data.length) throw new Error(`${identity.name}: the name does not fit into the saved guest`)
  return { data: Buffer.concat([whole, Buffer.alloc(data.length - whole.length)]), cookieOffset: cookie ? Buffer.byteLength(xml) + 1 : 0 }
}

/** Makes room for what `copyUnderName` writes and removes it afterwards. */
export const withCopy = async (saved: string, identity: DomainIdentity, root: string, use: (path: string) => Promise<void>): Promise<void> => {
  const path = `/run/lab/${identity.name}.saved`
  await mkdir(`${root}/run/lab`, { recursive: true })
  try {
    await copyUnderName(saved, identity, root + path)
    await use(path)
  } finally {
    await rm(root + path, { force: true })
  }
}
