import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { run } from '../../../support/command.ts'
import { scratch } from '../scratch.ts'

/** A tree in the form of sysfs, for stacks that the kernel of the test machine cannot build. */
export class FakeSysfs {
  readonly root: string
  readonly #nodes: string

  private constructor(root: string, nodes: string) {
    this.root = root
    this.#nodes = nodes
  }

  static async make(t: Test): Promise<FakeSysfs> {
    const root = await scratch(t)
    await mkdir(join(root, 'dev/block'), { recursive: true })
    await mkdir(join(root, 'block'))
    return new FakeSysfs(root, await scratch(t))
  }

  /** A device with attribute files; `below`: names of its slaves. Returns a device node (that no driver answers). */
  async add(name: string, device: string, more: { readonly below?: readonly string[]; readonly attributes?: Readonly<Record<string, string>> } = {}): Promise<string> {
    const directory = join(this.root, 'devices', name)
    for (const sub of ['holders', 'slaves']) await mkdir(join(directory, sub), { recursive: true })
    for (const [file, text] of Object.entries({ dev: device, size: '2048', diskseq: '1', ...more.attributes })) await put(join(directory, file), text)
    await symlink(`../../devices/${name}`, join(this.root, 'dev/block', device))
    await symlink(`../devices/${name}`, join(this.root, 'block', name))
    for (const slave of more.below ?? []) await this.stack(name, slave)
    return this.#mknod(name, device)
  }

  async addPartition(disk: string, number: number, device: string): Promise<string> {
    const name = `${disk}${number}`
    const directory = join(this.root, 'devices', disk, name)
    await mkdir(join(directory, 'holders'), { recursive: true })
    for (const [file, text] of Object.entries({ dev: device, size: '1024', partition: String(number) })) await put(join(directory, file), text)
    await symlink(`../../devices/${disk}/${name}`, join(this.root, 'dev/block', device))
    await symlink(`${disk}/${name}`, join(this.root, 'devices', name))
    return this.#mknod(name, device)
  }

  async stack(upper: string, lower: string): Promise<void> {
    await symlink(`../../${lower}`, join(this.root, 'devices', upper, 'slaves', lower))
    await symlink(`../../${upper}`, join(this.root, 'devices', lower, 'holders', upper))
  }

  async addBtrfs(uuid: string, device: string): Promise<void> {
    const devices = join(this.root, 'fs/btrfs', uuid, 'devices')
    await mkdir(devices, { recursive: true })
    await symlink(join(this.root, 'devices', device), join(devices, device))
  }

  async #mknod(name: string, device: string): Promise<string> {
    const node = join(this.#nodes, name)
    await run('mknod', [node, 'b', ...device.split(':')])
    return node
  }
}

async function put(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, `${text}\n`)
}
