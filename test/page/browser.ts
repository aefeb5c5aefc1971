import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import type { Daemon } from '../support/daemon.ts'
import type { Teardown } from '../support/libvirt-host.ts'
import { PATIENCE_MS, until } from '../support/wait.ts'
import { start } from '../cli/terminal.ts'

/** Debian's own. */
const CHROMIUM = '/usr/bin/chromium'

/** A real Chromium, gone with whatever it wrote when the test ends. */
export async function startBrowser(t: Teardown): Promise<Browser> {
  const home = await mkdtemp(join(tmpdir(), 'hotplugd-browser-'))
  t.teardown(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  // Root may not have Chromium's own sandbox; it sees nothing but the page.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], env: { ...process.env, HOME: home, TMPDIR: home }, timeout: PATIENCE_MS })
  t.teardown(() => browser.close())
  return browser
}

/** A page in a browser of its own: its cookies are nobody else's. */
export interface Seen {
  readonly page: Page
  /** Every address that was asked for, by whatever is on the page. */
  readonly requests: readonly string[]
  /** What the page or its scripts complained about. */
  readonly complaints: readonly string[]
}

export async function openPage(t: Teardown, browser: Browser, options: BrowserContextOptions = {}): Promise<Seen> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  t.teardown(() => context.close())
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const [requests, complaints]: [string[], string[]] = [[], []]
  context.on('request', request => requests.push(request.url()))
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => message.type() === 'error' && !isLateQuestion(message.text()) && complaints.push(message.text()))
  page.on('dialog', dialog => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, requests, complaints }
}

/** Why a volume is stuck was asked of one that has just gone, or by a page that is loaded anew. */
function isLateQuestion(message: string): boolean {
  return /status of 404|ERR_ABORTED/.test(message)
}

/** The page as it is at an address, once it is live. */
export async function openLive(t: Teardown, browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Seen> {
  const seen = await openPage(t, browser, options)
  await seen.page.goto(address)
  await isLive(seen.page)
  return seen
}

export async function isLive(page: Page): Promise<void> {
  await page.locator('html[data-link="live"]').waitFor()
}

/** A real `hotplugctl ui` that runs. */
export interface Ui {
  readonly address: string
  readonly port: number
  end(): Promise<void>
}

export async function startUi(t: Teardown, { socket }: Pick<Daemon, 'socket'>): Promise<Ui> {
  const ui = start(['ui'], { HOTPLUGD_SOCKET: socket, ...(process.env['TMPDIR'] === undefined ? {} : { TMPDIR: process.env['TMPDIR'] }) })
  t.teardown(() => ui.child.kill('SIGKILL'))
  const address = await until('the address of the page', () => /^http:\S+(?=\n)/.exec(ui.out())?.[0])
  const end = async (): Promise<void> => {
    ui.child.kill('SIGINT')
    await ui.ended
  }
  return { address, port: Number(new URL(address).port), end }
}
