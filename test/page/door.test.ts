import t from 'tap'
import { Door, type Visit } from '../../src/cli/ui/door.ts'

const PORT = 4711
const SECRETS = { token: 'the-token', session: 'the-session' }
const COOKIE = 'hotplugd-ui-4711=the-session'

const visit = (url: string, more: Partial<Visit> = {}): Visit => ({ method: 'GET', hosts: ['127.0.0.1:4711'], url, cookie: '', fetchSite: '', hasBody: false, ...more })
const guest = (url: string, more: Partial<Visit> = {}): Visit => visit(url, { cookie: COOKIE, ...more })
const door = (): Door => new Door(PORT, SECRETS)

t.test('the token opens once', async t => {
  const own = door()
  t.match(own.judge(visit('/?token=wrong')), { kind: 'refused', code: 401 })
  t.match(own.judge(visit('/')), { kind: 'refused', code: 401 })
  t.same(own.judge(visit('/?token=the-token')), { kind: 'welcome', isNew: true }, 'wrong ones do not use it up')
  t.match(own.judge(visit('/?token=the-token')), { kind: 'refused', code: 401, why: /used before/ })
  t.same(own.judge(guest('/?token=the-token')), { kind: 'welcome', isNew: false }, 'a page that is loaded again')
  t.equal(own.setCookie, `${COOKIE}; Path=/; HttpOnly; SameSite=Strict`)
})

t.test('a session', async t => {
  for (const cookie of ['', 'x=y', 'hotplugd-ui-4711=', 'hotplugd-ui-4711=other', 'hotplugd-ui-4712=the-session', 'xhotplugd-ui-4711=the-session', 'hotplugd-ui-4711']) {
    t.match(door().judge(visit('/ui/', { cookie })), { kind: 'refused', code: 401 }, cookie)
  }
  t.same(door().judge(visit('/ui/', { cookie: `a=b; ${COOKIE}; c=d` })), { kind: 'forward' })
})

t.test('its own names only, against a name that is made to lead here', async t => {
  for (const host of ['127.0.0.1:4711', 'localhost:4711', '[::1]:4711', 'LOCALHOST:4711']) t.same(door().judge(guest('/ui/', { hosts: [host] })), { kind: 'forward' }, host)
  for (const hosts of [[], [''], ['127.0.0.1'], ['localhost:80'], ['evil.example:4711'], ['127.0.0.1:4711.evil.example'], ['0.0.0.0:4711'], ['127.0.0.1:4711', 'evil.example']]) {
    t.match(door().judge(guest('/ui/', { hosts })), { kind: 'refused', code: 421, remedy: /ssh -L 4711:/ }, hosts.join())
  }
  const own = door()
  own.judge(visit('/?token=the-token', { hosts: ['evil.example'] }))
  t.same(own.judge(visit('/?token=the-token')), { kind: 'welcome', isNew: true }, 'nor do they use the token up')
})

t.test('what is read, and nothing else', async t => {
  for (const url of ['/ui/', '/ui/page/page.css', '/apis/kubevirt.io/v1/virtualmachineinstances?watch=true', '/debug/history?limit=200', '/debug/state', '/debug/process', '/readyz?verbose']) t.same(door().judge(guest(url)), { kind: 'forward' }, url)
  for (const url of ['/metrics', '/debug/log', '/debug/config', '/debug/log-level', '/openapi.json', '/favicon.ico', '/uix', '//ui/', 'http://evil.example/ui/', '*', '/debug/statex', '/readyzx']) {
    t.match(door().judge(guest(url)), { kind: 'refused', code: 404 }, url)
  }
  for (const method of ['PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'get']) t.match(door().judge(guest('/ui/', { method })), { kind: 'refused', code: 405 }, method)
  t.match(door().judge(guest('/ui/', { hasBody: true })), { kind: 'refused', code: 413 })
})

t.test('not for another page in the same browser', async t => {
  for (const fetchSite of ['cross-site', 'same-site']) t.match(door().judge(guest('/ui/', { fetchSite })), { kind: 'refused', code: 403 }, fetchSite)
  for (const fetchSite of ['same-origin', 'none', '']) t.same(door().judge(guest('/ui/', { fetchSite })), { kind: 'forward' }, fetchSite)
  t.same(door().judge(visit('/?token=the-token', { fetchSite: 'cross-site' })), { kind: 'welcome', isNew: true }, 'a link in a mail may lead to the entrance')
})
