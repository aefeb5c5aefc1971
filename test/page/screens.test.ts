/** What a real Chromium shows of states that are hard to come by: many VMs, a claim on its way, a node that is not in order. */
import t from 'tap'
import { openLoopback } from '../../src/cli/ui/loopback.ts'
import { vmKey } from '../../src/model/ids.ts'
import { silent, startLab } from '../http/lab.ts'
import { readyVolume, runningVm } from '../http/samples.ts'
import { until } from '../support/wait.ts'
import { openLive, startBrowser, type Seen } from './browser.ts'
import { movingVolume, stage, stuckVolume } from './shown.ts'

t.setTimeout(300_000)

const lab = await startLab()
t.teardown(() => lab.close())
const browser = await startBrowser(t)

async function look(options: Parameters<typeof openLive>[3] = {}): Promise<Seen> {
  const port = await openLoopback({ socketPath: lab.socket, port: 0, log: silent })
  t.teardown(() => port.close())
  return openLive(t, browser, port.address, options)
}

const vm = (name: string) => vmKey({ namespace: 'default', name })
const clear = (): void => lab.agent.vms().forEach(status => lab.agent.drop(status.vm))
const now = (): string => new Date().toISOString()
/** As if it had just happened, however slow the machine is. */
const justNow = new Date(Date.now() + 600_000).toISOString()

t.test('a hundred VMs with eight volumes each: what is stuck is on top, the rest is closed', async t => {
  for (let number = 0; number < 100; number++) {
    const volumes = Array.from({ length: 8 }, (_, index) => (number === 73 && index === 2 ? stuckVolume(`vol${index}`) : readyVolume(`vol${index}`)))
    lab.agent.set(runningVm(vm(`vm-${number}`), ...volumes))
  }
  const { page, complaints } = await look()
  t.same(await page.locator('#counts strong').allTextContents(), ['1', '0', '0', '799'])
  t.match(await page.locator('#stuck .volume').allTextContents(), [/vol2 of vm-73.*stuck on its way in/s])
  t.equal(await page.locator('#vms .vm').count(), 100)
  t.equal(await page.locator('#vms .volume').count(), 0)
  await page.locator('#vms summary', { hasText: /^vm-41Running/ }).click()
  await until('its volumes', async () => (await page.locator('#vms .volume').count()) === 8)
  await page.getByLabel('Show only').fill('vm-7')
  await until('eleven VMs, which are few enough to be open', async () => (await page.locator('#vms .vm[open]').count()) === 11)
  await page.getByLabel('Show only').fill('no such thing')
  await page.locator('#nothing', { hasText: 'Nothing fits.' }).waitFor()
  t.same(complaints, [])
  clear()
})

t.test('a claim on its way, live, stage by stage', async t => {
  const claim = { source: { kind: 'claim', vm: vm('vmi1'), volume: 'b1', claim: 'pvc-1', format: 'raw' }, disk: { serial: 'b1', readonly: false, shareable: false } } as const
  const b1 = { ...movingVolume('b1', 'Pending', []), conditions: [{ type: 'Ready', status: 'False', reason: 'Plugging', message: '', lastTransitionTime: justNow }], wish: claim } as const
  lab.agent.set(runningVm(vm('vmi1'), b1))
  const { page, complaints } = await look()
  const lane = page.locator('#moving .step')
  t.match(await lane.allTextContents(), [/●podReady, under way/, /○discovered, still to come/, /exposed/, /attached/, /reported/])
  const names = ['podReady', 'discovered', 'exposed', 'attached'] as const
  for (const [index, name] of names.entries()) {
    lab.agent.setVolume(vm('vmi1'), 'b1', { ...b1, stages: names.slice(0, index + 1).map(passed => stage(passed, 900)) })
    await lane.nth(index).filter({ hasText: `✓${name}900 ms, passed` }).waitFor()
    t.match(await lane.nth(index + 1).textContent(), /under way/)
  }
  lab.agent.setVolume(vm('vmi1'), 'b1', { ...readyVolume('b1', justNow), wish: claim })
  await page.locator('#moving .standing', { hasText: 'ready' }).waitFor()
  await until('who hears the page to be told', async () => (await page.locator('#spoken').textContent())?.includes('b1 of vmi1: ready'))
  t.same(complaints, [])
  clear()
})

t.test('a node that is not in order', async t => {
  lab.agent.checks = [
    { name: 'role', ok: true, message: '', note: 'companion, nothing is changed: a virt-handler is here' },
    { name: 'api-server', ok: false, message: 'VirtualMachineInstances not read yet' },
    { name: 'libvirt-lab', ok: true, message: '', warnings: ['libvirt lab cannot be reached'] },
  ]
  lab.agent.set({ ...runningVm(vm('off')), state: 'Stopped', problems: [{ reason: 'LibvirtUnavailable', message: 'libvirt lab cannot be reached' }] })
  const { page } = await look()
  await page.locator('.notice.bad', { hasText: 'hotplugd is not ready: api-server: VirtualMachineInstances not read yet' }).waitFor()
  await page.locator('.notice.warn', { hasText: 'libvirt lab cannot be reached' }).waitFor()
  await page.locator('#about', { hasText: 'companion, nothing is changed' }).waitFor()
  t.match(await page.locator('#vms summary').textContent(), /off\s*Stopped.*LibvirtUnavailable: libvirt lab/s)
  lab.agent.checks = [{ name: 'sources', ok: true, message: '' }]
  clear()
})

/** Texts with less contrast than 4.5 to 1 to what is behind them. */
const PALE = `(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number)
  const light = colour => {
    const [red, green, blue] = parts(colour).slice(0, 3).map(part => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const behind = node => (node === null ? 'rgb(255, 255, 255)' : (parts(getComputedStyle(node).backgroundColor)[3] ?? 1) === 0 ? behind(node.parentElement) : getComputedStyle(node).backgroundColor)
  const texts = [...document.querySelectorAll('body *')].filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim() !== '') && node.getClientRects().length > 0)
  const ratio = node => {
    const [darker, lighter] = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => a - b)
    return (lighter + 0.05) / (darker + 0.05)
  }
  return { count: texts.length, pale: texts.filter(node => ratio(node) < 4.5).map(node => node.className + ': ' + node.textContent) }
})()`

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`everything can be read in ${colorScheme} colours, and nothing hangs on them`, async t => {
    const off = { ...stuckVolume('off'), reason: 'VmNotRunning', message: 'the domain is shut off' }
    lab.agent.set({ ...runningVm(vm('vm1'), readyVolume('data'), stuckVolume('late'), movingVolume('now', 'Detaching', [stage('detached')]), off), problems: [{ reason: 'x', message: 'trouble' }] })
    lab.agent.entries = [{ at: now(), volume: 'default/vm1/late', event: 'plug failed', durationMs: 1, reason: 'SourceMissing', message: 'away' }]
    const { page } = await look({ colorScheme, viewport: { width: 375, height: 700 }, reducedMotion: 'reduce' })
    await page.locator('#vms button').first().click()
    await page.locator('#history .entry').waitFor()
    const { count, pale } = (await page.evaluate(PALE)) as { count: number; pale: readonly string[] }
    t.ok(count > 40)
    t.same(pale, [])
    t.same(await page.locator('#counts li').allTextContents(), ['!2 stuck', '→0 moving', '…1 waiting', '✓1 ready'], 'signs and words')
    clear()
  })
}
