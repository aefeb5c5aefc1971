import { createHash, timingSafeEqual } from 'node:crypto'

/** What is known of a request before it is let in. */
export interface Visit {
  readonly method: string
  /** Every Host header that it has. */
  readonly hosts: readonly string[]
  /** Path and query. */
  readonly url: string
  readonly cookie: string
  /** What a browser says of where the request comes from; empty where it says nothing. */
  readonly fetchSite: string
  readonly hasBody: boolean
}

export type Verdict =
  | { readonly kind: 'refused'; readonly code: number; readonly why: string; readonly remedy: string }
  /** The token was right, or the session is there: on to the page. `isNew`: the session's cookie is to be set. */
  | { readonly kind: 'welcome'; readonly isNew: boolean }
  | { readonly kind: 'forward' }

/** The page, and what it reads. */
const FORWARDED = /^\/(ui\/|apis\/|debug\/(state|history|process)([?]|$)|readyz([?]|$))/
const AGAIN = 'Run hotplugctl ui again, and open the address that it prints.'

/** Who may see the page: one browser, that which was first to bring the token. */
export class Door {
  readonly #hosts: readonly string[]
  readonly #cookie: string
  readonly #port: number
  readonly #session: string
  /** Null once it was used. */
  #token: string | null

  constructor(port: number, secrets: { readonly token: string; readonly session: string }) {
    this.#port = port
    this.#hosts = ['127.0.0.1', 'localhost', '[::1]'].map(host => `${host}:${port}`)
    this.#token = secrets.token
    this.#session = secrets.session
    // Cookies know no ports: each hotplugctl ui has a name of its own.
    this.#cookie = `hotplugd-ui-${port}`
  }

  /** The header that gives the session to the browser, and to no script and no other site. */
  get setCookie(): string {
    return `${this.#cookie}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`
  }

  judge(visit: Visit): Verdict {
    const [host = ''] = visit.hosts
    if (visit.hosts.length !== 1 || !this.#hosts.includes(host.toLowerCase())) return this.#wrongHost()
    if (visit.method !== 'GET') return refused(405, 'this page only reads', 'Use hotplugctl addvolume and removevolume to change something.')
    if (visit.hasBody) return refused(413, 'a request to this page has no body', 'Send none.')
    const isSession = this.#hasSession(visit.cookie)
    if (isEntrance(visit.url)) return this.#enter(visit.url, isSession)
    if (visit.fetchSite === 'cross-site' || visit.fetchSite === 'same-site') return refused(403, 'another page asked for this', 'Open the address itself.')
    if (!isSession) return refused(401, 'this browser has no session here', AGAIN)
    return FORWARDED.test(visit.url) ? { kind: 'forward' } : refused(404, 'there is nothing here', 'Open /ui/.')
  }

  #enter(url: string, isSession: boolean): Verdict {
    if (isSession) return { kind: 'welcome', isNew: false }
    const brought = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('token') ?? ''
    if (this.#token === null || !isSame(brought, this.#token)) return refused(401, 'the token is wrong, or was used before', AGAIN)
    this.#token = null
    return { kind: 'welcome', isNew: true }
  }

  #hasSession(cookies: string): boolean {
    const [, value = ''] = cookies.split(/; */).map(cookie => cookie.split('=', 2)).find(([name]) => name === this.#cookie) ?? []
    return isSame(value, this.#session)
  }

  #wrongHost(): Verdict {
    return refused(421, `the Host header is none of ${this.#hosts.join(', ')}`, `Forward the same port, and open it under one of these names: ssh -L ${this.#port}:127.0.0.1:${this.#port} NODE`)
  }
}

function isEntrance(url: string): boolean {
  return url === '/' || url.startsWith('/?')
}

function refused(code: number, why: string, remedy: string): Verdict {
  return { kind: 'refused', code, why, remedy }
}

/** Takes the same time however much of it is right. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
