/** The page in a real Chromium, of a real hotplugd with a real libvirt and a real guest. */
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { startPausedDomain } from '../support/lab.ts'
import { until } from '../support/wait.ts'
import { deleteManifest, writeManifest } from '../system/manifest.ts'
import { ctl, makeDirectory, makeFile, makeImage, MIB, plug, startScene, unplug } from '../system/user-scene.ts'
import { isLive, openLive, openPage, startBrowser, startUi } from './browser.ts'
import { dialPort } from './visitor.ts'

t.setTimeout(480_000)

const HOSTILE = '<img src=x onerror=alert(1)>'
/** What outlives one case ends with the whole. */
const whole = t
// A call counts as unanswered later than by default: a stage that was passed in one call has its time, however slow the machine.
const scene = await startScene(whole, { daemon: { flags: ['--call-deadline', '60s'] } })
const { host, guest } = scene
let { daemon } = scene
const image = await makeImage(whole)
const [browser, ui] = await Promise.all([startBrowser(t), startUi(t, daemon)])
const seen = await openLive(t, browser, ui.address)
const { page } = seen

/** A volume in the list of VMs, or in a list above it. */
const volumeIn = (list: 'stuck' | 'moving' | 'vms', volume: string, vm = 'default/vm1', on: Page = page): Locator => on.locator(`#${list} .volume[data-volume=${JSON.stringify(`${vm}/${volume}`)}]`)
const stages = (volume: Locator, state: string): Promise<string[]> => volume.locator(`.step.${state} .stage`).allTextContents()
const PLUG = ['discovered', 'exposed', 'attached', 'reported']

t.test('nothing plugged: the VM is there, and says so', async (t) => {
  t.match(await page.locator('#vms summary').textContent(), /vm1\s*Running\s*nothing hot-plugged/)
  t.equal(await page.locator('#stuck').isVisible(), false)
  t.match(await page.locator('#node').textContent(), /./, 'the node has a name')
})

t.test('a volume on its way, held up by QEMU, and then through', async (t) => {
  const pid = await guest.qemuPid()
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  t.equal((await daemon.add('vm1', 'data', image)).status, 202)
  const data = volumeIn('vms', 'data')
  // Under way at first; if it takes too long, held up.
  await until('it to be exposed and not attached', async () => (await stages(data, 'passed')).join() === 'discovered,exposed')
  t.match(await data.locator('.step:not(.passed)').first().textContent(), /attached/)
  process.kill(pid, 'SIGCONT')
  await data.locator('.standing', { hasText: 'ready' }).waitFor()
  t.same(await stages(data, 'passed'), PLUG)
})

t.test('the explanation next to what is stuck, its text as text, and away when it is mended', async (t) => {
  const path = join(await makeDirectory(t), `${HOSTILE}.img`)
  await writeManifest(daemon, 'vm1', { archive: path })
  const archive = volumeIn('stuck', 'archive')
  await archive.locator('dd', { hasText: 'is tried again' }).waitFor()
  const text = await archive.textContent()
  for (const part of [`${path} does not exist`, 'Create the device or image, or correct the path.', 'stuck on its way in', 'asked for by manifest']) t.ok(text?.includes(part), part)
  t.match(await stages(archive, 'held'), ['discovered'])
  await archive.getByText('Evidence').click()
  const attempts = archive.locator('.evidence dt', { hasText: 'attempts' }).locator('+ dd')
  const before = await attempts.textContent()
  await until('another attempt to be told', async () => (await attempts.textContent()) !== before)
  t.equal(await attempts.isVisible(), true, 'what was opened stays open')
  t.match(await archive.locator('.evidence').textContent(), /SourceMissing.*hotplugctl explain vm1 archive.*docs\/reasons\.md#sourcemissing/s)
  t.match(await page.title(), /^1 stuck · hotplugd /)

  await writeManifest(daemon, 'vm1', { archive: await makeImage(t) })
  await volumeIn('vms', 'archive').locator('.standing', { hasText: 'ready' }).waitFor()
  await archive.waitFor({ state: 'detached' })
  await deleteManifest(daemon, 'vm1.yaml')
  await volumeIn('vms', 'archive').waitFor({ state: 'detached' })
})

t.test('history, after the volume is gone too', async (t) => {
  await plug(daemon, 'vm1', 'gone', await makeImage(t))
  await volumeIn('vms', 'gone').locator('.standing', { hasText: 'ready' }).waitFor()
  for (const took of await volumeIn('vms', 'gone').locator('.took').allTextContents()) t.match(took, /^\d+(\.\d)? (ms|s|min)$/, 'each stage has its time')
  await unplug(daemon, 'vm1', 'gone')
  await volumeIn('vms', 'gone').waitFor({ state: 'detached' })
  const told = page.locator('#history .entry', { hasText: 'default/vm1/gone' })
  await told.filter({ hasText: 'is gone' }).first().waitFor()
  const text = (await told.allTextContents()).join('\n')
  for (const event of ['is now Pending', 'passed attached in', 'is now Ready', 'passed detached in', 'is gone']) t.ok(text.includes(event), event)
})

t.test('a tenant’s names stay text', async (t) => {
  await startPausedDomain(host, { name: HOSTILE })
  const evil = volumeIn('vms', 'data', `default/${HOSTILE}`)
  const path = await makeFile(join(await makeDirectory(whole), `${HOSTILE}\u202Etxt.img`), MIB)
  await ctl(daemon, 'addvolume', HOSTILE, '--volume-name=data', `--source=${path}`)
  await evil.locator('.standing', { hasText: 'ready' }).waitFor()
  await evil.getByRole('button').click()
  t.ok((await evil.locator('.facts').textContent())?.includes(`${HOSTILE}\\u{202e}txt.img`), 'what steers the eye is shown as an escape')
  t.ok((await page.locator('#vms summary').allTextContents()).some((summary) => summary.includes(HOSTILE)))
  t.equal(await page.locator('img, svg, iframe, object, embed, [onerror], [style]').count(), 0)
  t.equal(await page.locator('script').count(), 1)
})

/** Which of the things on the page that can have the focus has it. */
const focused = (): Promise<unknown> => page.evaluate("document.activeElement.getAttribute('data-focus')")

t.test('by keyboard: filter, open, look, close', async (t) => {
  const filter = page.getByLabel('Show only')
  await filter.focus()
  await page.keyboard.type('vm1')
  await until('only vm1 to be shown', async () => (await page.locator('#vms .vm').count()) === 1)
  await until('Tab to lead to the VM', async () => {
    await page.keyboard.press('Tab')
    return (await focused()) === 'vm default/vm1'
  })
  const name = volumeIn('vms', 'data').getByRole('button', { name: 'data' })
  await name.focus()
  await page.keyboard.press('Enter')
  await until('it to be open', async () => (await name.getAttribute('aria-expanded')) === 'true')
  await until('the focus to have stayed, though it was drawn anew', async () => (await focused()) === 'vms default/vm1/data')
  t.match(await volumeIn('vms', 'data').locator('.facts').textContent(), /serial\s*data.*asked for by\s*request/s)
  await page.keyboard.press('Space')
  await until('it to be closed', async () => (await name.getAttribute('aria-expanded')) === 'false')
  await filter.fill('')
})

t.test('at a phone’s width nothing has to be scrolled sideways', async (t) => {
  const long = 'v'.repeat(63)
  await writeManifest(daemon, 'vm1', { [long]: { path: `/${'p'.repeat(200)}/${'q'.repeat(200)}`, serial: 's' } })
  await volumeIn('stuck', long).locator('dd', { hasText: 'is tried again' }).waitFor()
  await volumeIn('stuck', long).getByText('Evidence').click()
  for (const width of [375, 320]) {
    await page.setViewportSize({ width, height: 700 })
    await until(`no more than ${width} px`, async () => (await page.evaluate('document.documentElement.scrollWidth')) === width)
  }
  t.same(await page.evaluate(WIDER), [], 'and nothing is cut off')
  await page.setViewportSize({ width: 1280, height: 800 })
  await deleteManifest(daemon, 'vm1.yaml')
  await volumeIn('stuck', long).waitFor({ state: 'detached' })
})

/** Elements that reach beyond the window; what is only for who hears the page does not count. */
const WIDER = `[...document.querySelectorAll('body *:not(.unseen)')].filter(node => node.getClientRects().length > 0 && node.getBoundingClientRect().right > innerWidth + 1).map(node => node.outerHTML.slice(0, 200))`

t.test('the token was for one browser, and no other name leads here', async (t) => {
  const second = await openPage(t, browser)
  await second.page.goto(ui.address)
  t.match(await second.page.locator('h1').textContent(), /Not let in: the token is wrong, or was used before/)
  await second.page.goto(`http://rebound.localhost:${ui.port}/`)
  t.match(await second.page.locator('h1').textContent(), /Not let in: the Host header is none of/)
  await page.reload()
  await isLive(page)
})

t.test('nothing was asked of anybody else, and nothing complained', async (t) => {
  t.ok(seen.requests.length > 20)
  t.same(seen.requests.filter((url) => !url.startsWith(`http://127.0.0.1:${ui.port}/`) && url !== 'data:,'), [])
  t.same(seen.complaints, [])
})

t.test('a crowd of strangers at the port: they are cut, the page goes on', async (t) => {
  let closed = 0
  const crowd = await Promise.all(Array.from({ length: 300 }, () => dialPort(ui.port)))
  for (const socket of crowd) socket.on('error', () => undefined).on('close', () => closed++).resume()
  t.teardown(() => crowd.forEach((socket) => socket.destroy()))
  await until('most of them to be cut', () => closed >= 268)
  await plug(daemon, 'vm1', 'meanwhile', await makeImage(t))
  await volumeIn('vms', 'meanwhile').locator('.standing', { hasText: 'ready' }).waitFor()
  await unplug(daemon, 'vm1', 'meanwhile')
  await volumeIn('vms', 'meanwhile').waitFor({ state: 'detached' })
})

t.test('hotplugd away and back: the page says so, and goes on by itself', async (t) => {
  await daemon.kill9()
  await page.locator('#notices .bad', { hasText: 'Not connected' }).waitFor()
  t.equal(await volumeIn('vms', 'data').isVisible(), true, 'what was known is still shown')
  daemon = await startDaemon(whole, { libvirt: host.uri, directories: daemon.directories })
  await isLive(page)
  await until('no notice any more', async () => (await page.locator('#notices .bad').count()) === 0)
  const data = volumeIn('vms', 'data')
  await data.locator('.standing', { hasText: 'ready' }).waitFor()
  t.same(await stages(data, 'passed'), PLUG, 'passed, though not before the eyes of this one')
})

t.test('hotplugctl ui ended: the page says so', async () => {
  await ui.end()
  await page.locator('#notices .bad', { hasText: 'Not connected' }).waitFor()
})
