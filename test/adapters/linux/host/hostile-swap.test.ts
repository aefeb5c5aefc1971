import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { createSources } from '../../../../src/adapters/linux/host/sources.ts'
import { HotplugError } from '../../../../src/errors.ts'
import { run } from '../../../support/command.ts'
import { compile, start } from '../fixture.ts'
import { scratch } from '../scratch.ts'

/** A long run takes a million. */
const SWAPS = Number(process.env['SWAPS'] ?? 10_000)

tap.setTimeout(0)

void tap.test(`a disk.img that is swapped all the time leads nowhere else (${SWAPS} looks)`, async (t) => {
  const dir = await scratch(t)
  const at = (name: string): string => join(dir, name)
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('disk.img'), '16M'])
  await copyFile(at('disk.img'), at('second'))
  await symlink('/etc/passwd', at('link'))
  await symlink('/dev/loop0', at('link to a device'))
  await run('mkfifo', [at('fifo')])
  await run('mknod', [at('device'), 'b', '7', '0'])
  await run('mknod', [at('terminal'), 'c', '5', '0'])
  const sources = createSources()
  const spec = { kind: 'local', path: dir, format: 'qcow2' } as const
  const own = new Set([(await sources.resolve(spec)).footprint.same[0], (await sources.resolve({ ...spec, path: at('second') })).footprint.same[0]])
  const others = ['second', 'link', 'fifo', 'second', 'device', 'link to a device', 'terminal'].map(at)
  await start(t, await compile(t, 'swapper'), at('disk.img'), ...others)

  const seen = new Map<string, number>()
  const note = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1)
  for (let look = 0; look < SWAPS; look++) {
    note(await sources.resolve(spec).then(({ path, footprint }) => (path === at('disk.img') && own.has(footprint.same[0]) ? 'own image' : `ESCAPED to ${path}`), reasonOf))
    const identity = await sources.identify({ path: at('disk.img'), kind: 'file', handle: {} }).catch(reasonOf)
    const isDevice = typeof identity === 'object' && identity?.kind === 'block' && identity.device === '7:0'
    const isOwn = typeof identity === 'object' && identity?.kind === 'file' && own.has(`i:${identity.filesystem}:${identity.inode}`)
    note(isOwn || isDevice || identity === 'UnsafePath' ? 'identified' : `ESCAPED to ${JSON.stringify(identity)}`)
  }
  t.comment(Object.fromEntries(seen))
  t.same([...seen.keys()].filter((what) => !['own image', 'UnsafePath', 'SourceChanged', 'identified'].includes(what)), [])
  t.ok((seen.get('own image') ?? 0) > 0 && (seen.get('UnsafePath') ?? 0) > 0, 'the swaps were seen')
})

function reasonOf(error: unknown): string {
  if (error instanceof HotplugError) return error.reason
  throw error
}
