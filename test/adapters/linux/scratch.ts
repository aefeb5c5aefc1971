import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { HotplugError } from '../../../src/errors.ts'

/** A directory of the test's own, gone afterwards. */
export async function scratch(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hotplugd-test-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** The HotplugError that an act must end in. */
export async function refusalOf(act: () => unknown): Promise<HotplugError> {
  try {
    await act()
  } catch (error) {
    if (error instanceof HotplugError) return error
    throw error
  }
  throw new Error('was not refused')
}
