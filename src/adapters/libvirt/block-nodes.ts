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
 * Has QEMU close each block node that libvirt opened over the path, as far as nothing uses it: QEMU refuses to close a
 * node that a device, a job or another node holds. Resolves with how many were closed.
 */
export async function closeUnused(monitor: Monitor, path: string): Promise<number> {
  const nodes = await ask<readonly BlockNode[]>(monitor, 'query-named-block-nodes', { flat: true })
  const over = (nodes ?? []).filter((node) => node.file === path).map((node) => node['node-name'] ?? '')
  let closed = 0
  for (const name of [...over.filter((one) => UPPER.test(one)), ...over.filter((one) => LOWER.test(one))]) {
    if ((await ask(monitor, 'blockdev-del', { 'node-name': name })) !== null) closed++
  }
  return closed
}

/** What QEMU returns; null if it refused. */
async function ask<T>(monitor: Monitor, execute: string, parameters: object): Promise<T | null> {
  const answer = JSON.parse(await monitor(JSON.stringify({ execute, arguments: parameters }))) as { readonly return?: T }
  return answer.return ?? null
}
