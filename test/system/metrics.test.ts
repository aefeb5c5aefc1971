import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { metricFaults } from '../support/promtool.ts'
import { until } from '../support/lab.ts'
import { writeManifest } from './manifest.ts'
import { makeDirectory, makeImage, plug, startScene, unplug } from './user-scene.ts'

const { daemon } = await startScene(t)
const scrape = async (): Promise<string> => (await daemon.call('GET', '/metrics')).text
const has = (line: string) => until(`the metric ${line}`, async () => {
  const lines = (await scrape()).split('\n')
  if (lines.includes(line)) return true
  throw new Error(lines.filter((one) => one.startsWith(line.slice(0, line.indexOf('{')))).join('\n'))
})

t.test('what is, is told', async (t) => {
  await plug(daemon, 'vm1', 'secret-name', await makeImage(t))
  await has('hotplugd_volumes{phase="Ready",reason="VolumeReady"} 1')
  await has('hotplugd_vms{state="Running"} 1')
  await has('hotplugd_libvirts{state="connected"} 1')
  await has('hotplugd_role{role="standalone"} 1')
  await has('hotplugd_readiness_checks{outcome="ok"} 3')
  await has('hotplugd_operations_total{operation="plug",outcome="done"} 1')
  for (const stage of ['discovered', 'exposed', 'attached', 'reported']) await has(`hotplugd_stage_duration_seconds_count{stage="${stage}"} 1`)
})

t.test('failures, retries and what cannot be used are counted', async (t) => {
  const missing = join(await makeDirectory(t), 'missing.img')
  await writeManifest(daemon, 'vm1', { missing })
  await has('hotplugd_volumes{phase="Pending",reason="SourceMissing"} 1')
  await until('a retry', async () => /^hotplugd_retries_total\{operation="plug"\} [1-9]/m.test(await scrape()))
  t.match(await scrape(), /^hotplugd_operations_total\{operation="plug",outcome="SourceMissing"\} [1-9]/m)
})

t.test('names of VMs and volumes are no labels', async (t) => {
  const text = await scrape()
  for (const name of ['vm1', 'secret-name', 'missing']) t.notOk(text.includes(name), name)
})

t.test('promtool finds no fault, and the runbook knows each of them', async (t) => {
  t.same(await metricFaults(await scrape()), [])
})

t.test('an event loop that stands still is seen', async () => {
  daemon.child.kill('SIGSTOP')
  await sleep(2_500)
  daemon.child.kill('SIGCONT')
  const late = async (): Promise<number> => {
    const counts = new Map([...(await scrape()).matchAll(/^hotplugd_event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)].map(([, le, count]) => [le, Number(count)]))
    return (counts.get('+Inf') ?? 0) - (counts.get('1') ?? 0)
  }
  await until('a second that began late', async () => (await late()) > 0)
})

t.test('and out', async () => {
  await unplug(daemon, 'vm1', 'secret-name')
  for (const stage of ['detached', 'released']) await has(`hotplugd_stage_duration_seconds_count{stage="${stage}"} 1`)
})
