import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLauncherViews } from '../../../../src/adapters/linux/pods/launcher-views.ts'
import { until } from '../../../support/wait.ts'

const UID = '24f593ab-e76e-4f5d-b754-b7ebf46ace8c'
const OTHER = '34f593ab-e76e-4f5d-b754-b7ebf46ace8c'

/** A kubelet's directory and a /proc of one process, as on the node that the samples are from. */
function scene(t: Test, podOfMounts = UID) {
  const base = t.testdir({ proc: { '17': {} } })
  const directory = join(base, 'kubelet/pods', UID, 'volumes/kubernetes.io~empty-dir/hotplug-disks')
  mkdirSync(directory, { recursive: true })
  const lines = [
    `252 248 254:0 /data/kubelet/pods/${podOfMounts}/volumes/kubernetes.io~empty-dir/hotplug-disks /run/kubevirt/hotplug-disks rw,relatime master:22 - ext4 /dev/vda rw`,
    '288 252 7:14 /disk.img /run/kubevirt/hotplug-disks/f1.img rw,relatime master:31 - ext4 /dev/loop14 rw',
  ]
  writeFileSync(join(base, 'proc/17/mountinfo'), `${lines.join('\n')}\n`)
  execFileSync('mknod', [join(directory, 'b1'), 'b', '7', '250'])
  for (const leftover of ['b1.img', 'b4.img']) writeFileSync(join(directory, leftover), '')
  const views = createLauncherViews({ kubeletDir: join(base, 'kubelet'), processes: async (pod) => (pod === UID ? [999, 17] : []), proc: join(base, 'proc') })
  return { views, directory }
}

t.test('nodes and mounted images count, leftovers do not', async (t) => {
  const { views } = scene(t)
  t.same(await views.exposed(UID, ['b1', 'b4', 'f1', 'no', '../b1', '']), new Set(['b1', 'f1']))
})

t.test('without a process of that very pod nothing can be said', async (t) => {
  t.equal(await scene(t).views.exposed(OTHER, ['b1']), null)
  t.equal(await scene(t, OTHER).views.exposed(UID, ['b1']), null, 'its mounts are another pod’s')
})

t.test('what comes into the directory is told, until nobody listens', async (t) => {
  const { views, directory } = scene(t)
  let told = 0
  const end = views.watch(UID, () => told++)
  writeFileSync(join(directory, 'c1.img'), '')
  await until('the news', () => told > 0)
  end()
  const before = told
  writeFileSync(join(directory, 'c2.img'), '')
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(told, before)
  views.watch(OTHER, () => t.fail('there is no such directory'))()
})
