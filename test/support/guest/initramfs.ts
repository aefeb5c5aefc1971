import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cached, fileStamp } from '../cache.ts'
import { run } from '../command.ts'
import { CACHE_INSIDE, labCache, supportFile } from '../paths.ts'

const MODULES = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'virtio_console', 'virtio_blk']
const AGENT = supportFile('guest/agent')

/** What a guest boots; paths as its host's namespace has them. */
export interface BootFiles {
  readonly kernel: string
  readonly initramfs: string
}

/** A kernel with its modules: installed on this machine, or unpacked by prepare.sh. */
interface Kernel {
  readonly root: string
  readonly version: string
}

/** The newest cloud kernel, and an initramfs of busybox, the kernel's virtio modules and the lab's agent. */
export const bootFiles = async (): Promise<BootFiles> => {
  const found = (await kernelIn(join(labCache(), 'kernel'))) ?? (await kernelIn('/'))
  if (!found) throw new Error('there is no kernel for guests: run `bash test/support/prepare.sh`, it fetches linux-image-cloud-amd64')
  const ingredients = [await fileStamp(imageOf(found)), await fileStamp('/bin/busybox'), ...(await agentStamps()), ...MODULES]
  const directory = await cached('initramfs', ingredients, (into) => build(found, into))
  return { kernel: inside(join(directory, 'kernel')), initramfs: inside(join(directory, 'initramfs')) }
}

const agentStamps = async (): Promise<string[]> => Promise.all((await readdir(AGENT)).map((name) => fileStamp(join(AGENT, name))))

const imageOf = ({ root, version }: Kernel): string => join(root, 'boot', `vmlinuz-${version}`)

const inside = (path: string): string => path.replace(labCache(), CACHE_INSIDE)

const kernelIn = async (root: string): Promise<Kernel | null> => {
  const names = await readdir(join(root, 'boot')).catch(() => [])
  const versions = names.flatMap((name) => /^vmlinuz-(.*-cloud-amd64)$/.exec(name)?.[1] ?? [])
  const version = versions.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1)
  return version === undefined ? null : { root, version }
}

const build = async (kernel: Kernel, into: string): Promise<void> => {
  await copyFile(imageOf(kernel), join(into, 'kernel')) // a libvirt with dynamic ownership chowns what its guests boot
  const tree = join(into, 'tree')
  for (const name of ['bin', 'dev', 'mnt', 'modules', 'proc', 'sys', 'tmp']) await mkdir(join(tree, name), { recursive: true })
  const sources = (await readdir(AGENT)).filter((name) => name.endsWith('.c')).map((name) => join(AGENT, name))
  await run('gcc', ['-static', '-O2', '-Wall', '-s', '-o', join(tree, 'init'), ...sources])
  await copyFile('/bin/busybox', join(tree, 'bin/busybox'))
  await chmod(join(tree, 'bin/busybox'), 0o755)
  await run('/bin/busybox', ['--install', '-s', join(tree, 'bin')])
  await run('sh', ['-c', 'for link in "$1"/*; do [ -L "$link" ] && ln -sf busybox "$link"; done; :', 'sh', join(tree, 'bin')])
  await addModules(kernel, tree)
  await run('sh', ['-c', 'cd "$1" && find . | cpio --quiet -o -H newc >../initramfs', 'sh', tree])
  await rm(tree, { recursive: true })
}

/** The modules and what they need, with a list in the order of loading. */
const addModules = async ({ root, version }: Kernel, tree: string): Promise<void> => {
  const said = await run('modprobe', ['--dirname', root, '--set-version', version, '--show-depends', '--all', ...MODULES])
  const files = [...new Set(said.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))]
  for (const file of files) await copyFile(file, join(tree, 'modules', basename(file)))
  await writeFile(join(tree, 'modules/list'), files.map((file) => `/modules/${basename(file)}\n`).join(''))
}
