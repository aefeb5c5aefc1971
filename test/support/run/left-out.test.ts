import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { leftOut } from './left-out.ts'

void t.test('only where Kubernetes could not be had, and only what needs it', async (t) => {
  const project = t.testdir({})
  const files = {
    'out/test/helm/plug.test.js': '',
    'out/test/companion/api.test.js': "import { startApiServer } from '../support/kubernetes/lab.js'",
    'out/test/core/volume/decide.test.js': "import { decide } from '../../../src/core/volume/decide.js'",
  }
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(project, dirname(file)), { recursive: true })
    await writeFile(join(project, file), text)
  }
  t.same(leftOut(project, Object.keys(files)), [])
  await writeFile(join(project, 'out/no-kubernetes'), '')
  t.same(leftOut(project, Object.keys(files)), ['out/test/helm/plug.test.js', 'out/test/companion/api.test.js'])
})
