import type { LibvirtHost } from '../support/lab.ts'

/** Makes the QEMU of vm1 have a source open for something that libvirt does not know of. */
export async function holdOpen(host: LibvirtHost, filename: string): Promise<void> {
  const driver = filename.startsWith('/dev/') ? { driver: 'host_device' } : { driver: 'file', locking: 'off' }
  await qemu(host, 'blockdev-add', { 'node-name': 'by-hand', filename, ...driver })
}

export function letGo(host: LibvirtHost): Promise<void> {
  return qemu(host, 'blockdev-del', { 'node-name': 'by-hand' })
}

async function qemu(host: LibvirtHost, execute: string, parameters: object): Promise<void> {
  const answer = await host.virsh('qemu-monitor-command', 'vm1', JSON.stringify({ execute, arguments: parameters }))
  if (answer.includes('"error"')) throw new Error(answer)
}
