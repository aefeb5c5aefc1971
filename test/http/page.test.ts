import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROJECT } from '../support/paths.ts'
import { call, startLab } from './lab.ts'

const lab = await startLab()
t.teardown(() => lab.close())

/** Every address that the page leads to from here, by its links and imports. */
async function addressesFrom(path: string, seen = new Set<string>()): Promise<ReadonlySet<string>> {
  if (seen.has(path)) return seen
  seen.add(path)
  const { code, text } = await call(lab.socket, path)
  t.equal(code, 200, path)
  for (const [, next = ''] of text.matchAll(/(?:from |import |href=|src=)["']([^"':]+)["']/g)) await addressesFrom(new URL(next, `http://x${path}`).pathname, seen)
  return seen
}

t.test('the page and everything that it loads is served, and nothing inline is in it', async t => {
  const addresses = await addressesFrom('/ui/')
  for (const path of ['/ui/page/page.css', '/ui/page/browser/main.js', '/ui/page/lane.js', '/ui/model/status.js']) t.ok(addresses.has(path), path)
  const { text, headers } = await call(lab.socket, '/ui/')
  t.notMatch(text, /<script(?![^>]* src=)|<style| on\w+=| style=|https?:/)
  t.match(headers, { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'content-security-policy': /^default-src 'none'; script-src 'self'; .*require-trusted-types-for 'script'/ })
  t.match((await call(lab.socket, '/ui/page/browser/main.js')).headers, { 'content-type': 'text/javascript; charset=utf-8' })
})

t.test('nothing else of the program is served', async t => {
  for (const path of ['main.js', 'cli/main.js', 'page/index.html', 'page/lane.js.map', '../package.json', 'page/..%2f..%2f..%2fpackage.json', 'page/%2e%2e/main.js', 'page/browser/tsconfig.json', 'page/browser/no-such.js']) {
    t.match(await call(lab.socket, `/ui/${path}`), { code: 404, json: { kind: 'Status' } }, path)
  }
})

t.test('no text ever becomes HTML in it', async t => {
  const addresses = [...(await addressesFrom('/ui/'))].filter(path => path.endsWith('.js'))
  for (const path of addresses) t.notMatch((await call(lab.socket, path)).text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/, path)
})

t.test('the history alone, as much of it as is wanted', async t => {
  const items = [1, 2, 3].map(number => ({ at: `2026-01-0${number}`, volume: 'default/vm1/data', event: 'attached', durationMs: 1, reason: null, message: null }))
  lab.agent.entries = items
  t.same((await call(lab.socket, '/debug/history')).json, { kind: 'History', apiVersion: 'hotplugd.io/v1', items })
  t.same((await call(lab.socket, '/debug/history?limit=2')).json.items, items.slice(1))
  t.same((await call(lab.socket, '/debug/history?limit=0')).json.items, [])
  for (const limit of ['-1', 'all', '1e3', '9999999']) t.equal((await call(lab.socket, `/debug/history?limit=${limit}`)).code, 400, limit)
})

t.test('the node by its name', async t => {
  t.match((await call(lab.socket, '/debug/process')).json, { nodeName: 'node1' })
})

t.test('its files are where the installed program has them', async t => {
  for (const file of ['index.html', 'page.css']) t.equal(await readFile(join(PROJECT, 'out/src/page', file), 'utf8'), await readFile(join(PROJECT, 'src/page', file), 'utf8'), `${file}: npm run build:page`)
})
