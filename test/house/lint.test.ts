import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { PROJECT } from '../support/paths.ts'

const run = promisify(execFile)

t.test('the rules of the house hold: directions of imports, no circles, no floating promises', async (t) => {
  const lint = join(PROJECT, 'node_modules/.bin/oxlint')
  const env = { ...process.env, PATH: `${join(PROJECT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` }
  const found = await run(lint, ['--type-aware', '--format=unix', 'src', 'test'], { cwd: PROJECT, env }).catch((error: { stdout: string }) => error)
  t.equal(found.stdout.trim(), '')
})
