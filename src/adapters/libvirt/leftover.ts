/** Asks QEMU in its own protocol (QMP); both are JSON. */
export type Monitor = (command: string) => Promise<string>

interface BlockNode {
  readonly 'node-name'?: string
  readonly file?: string
}

/** As libvirt names what it opens for a disk; the upper one reads the format and holds the lower one. */
const UPPER = /^libvirt-\d+-format$/
const LOWER = /^libvirt-\d+-storage$/

/**
 * Has QEMU give up a disk that libvirt does not list: the device, and then each block node that libvirt opened over the
 * path. The removal of a device ends later than its call, and QEMU refuses to close a node that something holds: then
 * the nodes go at the next call.
 */
export async function clearLeftover(monitor: Monitor, { alias, path }: { readonly alias: string; readonly path: string }): Promise<void> {
  await ask(monitor, 'device_del', { id: alias }) // refused where there is none
  const nodes = (await ask<readonly BlockNode[]>(monitor, 'query-named-block-nodes', { flat: true })) ?? []
  const names = nodes.filter((node) => node.file === path).map((node) => node['node-name'] ?? '')
  for (const name of [...names.filter((one) => UPPER.test(one)), ...names.filter((one) => LOWER.test(one))]) {
    await ask(monitor, 'blockdev-del', { 'node-name': name })
  }
}

/** What QEMU returns; null if it refused. */
async function ask<T>(monitor: Monitor, execute: string, parameters: object): Promise<T | null> {
  const answer = JSON.parse(await monitor(JSON.stringify({ execute, arguments: parameters }))) as { readonly return?: T }
  return answer.return ?? null
}
