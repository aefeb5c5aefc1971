import { createHash } from 'node:crypto'
import { PAGE_HEADERS } from '../../http/page-headers.ts'

const STYLE = ':root{color-scheme:light dark}body{max-width:36rem;margin:15vh auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}h1{font-size:1.25rem}'

/** Headers of a notice: those of the page, and its own style. */
export const NOTICE_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy': PAGE_HEADERS['content-security-policy'].replace("style-src 'self'", `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`),
  'content-type': 'text/html; charset=utf-8',
} as const

/** A page of two sentences. Both are the program's own words, never a visitor's. */
export function refusalNotice(why: string, remedy: string): string {
  return notice('', `<h1>Not let in: ${why}.</h1><p>${remedy}</p>`)
}

/** Goes on to the page. Not a redirect: to a browser that came by a link from elsewhere that would still be a visit from there. */
export function welcomeNotice(): string {
  return notice('<meta http-equiv="refresh" content="0; url=/ui/">', '<p><a href="/ui/">hotplugd</a></p>')
}

function notice(head: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>hotplugd</title><link rel="icon" href="data:,">${head}<style>${STYLE}</style>${body}</html>\n`
}
