import { open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { HotplugError } from '../../../../src/errors.ts'
import { sameIdentity } from '../../../../src/model/source.ts'
import { run } from '../../../support/command.ts'
import { loopAside, makeBlockDevice } from '../../../support/block-device.ts'
import { compile, kill, start } from '../fixture.ts'
import { scratch } from '../scratch.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, VM } from './pod-lab.ts'

tap.setTimeout(0)

/** A long run takes ten thousand. */
const RACES = Number(process.env['RACES'] ?? 500)

void tap.test(`a device number that is another image's time and again (${RACES} races)`, async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const device = await makeBlockDevice(MIB, t, loopAside)
  const other = join(await scratch(t), 'other')
  await writeFile(device.backingFile, Buffer.alloc(MIB, 'one '))
  await writeFile(other, Buffer.alloc(MIB, 'two '))
  const contents = new Map([[await inodeOf(device.backingFile), 'one '], [await inodeOf(other), 'two ']])
  await lab.attachBlock('b1', device.path)
  const switcher = await start(t, await compile(t, 'loop-switcher'), device.path, device.backingFile, other)
  t.teardown(async () => {
    await kill(switcher)
    // It may have had no file at that moment; then it has one to be given up again.
    await run('losetup', [device.path, device.backingFile]).catch(() => undefined)
  })

  const seen = new Map<string, number>()
  for (let race = 0; race < RACES; race++) {
    const what = await plug().catch(reasonOf)
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  await kill(switcher)
  t.comment(Object.fromEntries(seen))
  t.same([...seen.keys()].filter((what) => !['right', 'noticed', 'SourceChanged', 'SourceEmpty', 'SourceUnreadable'].includes(what)), [])
  t.ok((seen.get('right') ?? 0) > 0 && (seen.get('SourceChanged') ?? 0) + (seen.get('noticed') ?? 0) > 0, 'some were won, some lost')

  /** What was looked up is what is read, or the change is noticed by whoever looks before and after. */
  async function plug(): Promise<string> {
    const source = await lab.sources.resolve(lab.claim('b1'))
    const exposure = lab.plan(source)
    try {
      await lab.exposures.expose(VM, exposure, source)
      const read = await firstBytes(lab.entry('b1'))
      const now = await lab.sources.identify(exposure)
      // Given up at this moment: nothing can be read, and the number changes next.
      if (read === '' || now === null || !sameIdentity(now, source.identity)) return 'noticed'
      const meant = [...contents].find(([inode]) => source.footprint.same.some((key) => key.endsWith(`:${inode}`)))?.[1]
      return read === meant ? 'right' : `WRONG: ${read} is not ${meant}`
    } finally {
      await lab.exposures.release(VM, exposure)
    }
  }
})

async function inodeOf(path: string): Promise<string> {
  return String((await stat(path)).ino)
}

async function firstBytes(node: string): Promise<string> {
  const file = await open(node, 'r').catch(() => null)
  if (file === null) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof HotplugError) return error.reason
  throw error
}
