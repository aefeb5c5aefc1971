import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { HotplugError } from '../../errors.ts'
import { PACKAGE_DIRECTORY } from '../../version.ts'
import { PAGE_HEADERS } from '../page-headers.ts'
import { sendStatus } from '../server.ts'
import { statusObject } from '../objects/status-object.ts'

/** The compiled program; the addresses below /ui/ are the paths in it. */
const ROOT = join(PACKAGE_DIRECTORY, 'out/src')
/** The page's own files, and the few of other rooms that it uses. */
const SERVED = /^(page\/(browser\/)?[a-z-]+\.(js|css)|model\/status\.js|config\/duration\.js|cli\/(cause|table)\.js)$/
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8' }

/** The page to look at: plain files. */
export function pageRoutes(app: FastifyInstance): void {
  app.get('/ui/', (_request, reply) => sendFile(reply, 'page/index.html'))
  app.get<{ Params: { '*': string } }>('/ui/*', (request, reply) => {
    const { '*': file } = request.params
    return SERVED.test(file) ? sendFile(reply, file) : noSuchFile(reply)
  })
}

async function sendFile(reply: FastifyReply, file: string): Promise<FastifyReply> {
  const bytes = await readFile(join(ROOT, file)).catch(() => null)
  return bytes === null ? noSuchFile(reply) : reply.headers(PAGE_HEADERS).type(TYPES[extname(file)] ?? 'text/plain').send(bytes)
}

function noSuchFile(reply: FastifyReply): FastifyReply {
  return sendStatus(reply, statusObject(new HotplugError('InvalidRequest', 'the page has no such file', { remedy: 'Open /ui/. If that is not there either: install hotplugd again, or in a source tree run npm run build.' }), 404))
}
