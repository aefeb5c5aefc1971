import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cached, fileStamp } from '../cache.ts'
import { run } from '../command.ts'
import { supportFile } from '../paths.ts'

const MODULES = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'virtio_console', 'virtio_blk']
const AGENT = supportFile('guest/agent.c')

/** What a guest boots. */
export interface BootFiles {
  readonly kernel: string
  readonly initramfs: string
}

/** The newest installed cloud kernel, and an initramfs of busybox, the kernel's virtio modules and the lab's agent. */
export const bootFiles = async (): Promise<BootFiles> => {
  const version = await kernelVersion()
  const kernel = `/boot/vmlinuz-${version}`
  const ingredients = [await fileStamp(kernel), await fileStamp('/bin/busybox'), await fileStamp(AGENT), ...MODULES]
  const directory = await cached('initramfs', ingredients, (into) => build(version, into))
  return { kernel, initramfs: join(directory, 'initramfs') }
}

const kernelVersion = async (): Promise<string> => {
  const found = (await readdir('/boot')).flatMap((name) => /^vmlinuz-(.*-cloud-amd64)$/.exec(name)?.[1] ?? [])
  const newest = found.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1)
  if (!newest) throw new Error('no /boot/vmlinuz-*-cloud-amd64: run `bash test/support/prepare.sh`, it installs linux-image-cloud-amd64')
  return newest
}

const build = async (version: string, into: string): Promise<void> => {
  const tree = join(into, 'tree')
  for (const name of ['bin', 'dev', 'mnt', 'modules', 'proc', 'sys', 'tmp']) await mkdir(join(tree, name), { recursive: true })
  await run('gcc', ['-static', '-O2', '-Wall', '-s', '-o', join(tree, 'init'), AGENT])
  await copyFile('/bin/busybox', join(tree, 'bin/busybox'))
  await chmod(join(tree, 'bin/busybox'), 0o755)
  await run('/bin/busybox', ['--install', '-s', join(tree, 'bin')])
  await run('sh', ['-c', 'for link in "$1"/*; do [ -L "$link" ] && ln -sf busybox "$link"; done; :', 'sh', join(tree, 'bin')])
  await addModules(version, tree)
  await run('sh', ['-c', 'cd "$1" && find . | cpio --quiet -o -H newc >../initramfs', 'sh', tree])
  await rm(tree, { recursive: true })
}

/** The modules and what they need, with a list in the order of loading. */
const addModules = async (version: string, tree: string): Promise<void> => {
  const said = await run('modprobe', ['--set-version', version, '--show-depends', '--all', ...MODULES])
  const files = [...new Set(said.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))]
  for (const file of files) await copyFile(file, join(tree, 'modules', basename(file)))
  await writeFile(join(tree, 'modules/list'), files.map((file) => `/modules/${basename(file)}\n`).join(''))
}
