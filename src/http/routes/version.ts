import type { FastifyInstance } from 'fastify'
import type { Catalogue } from '../openapi/catalogue.ts'
import { described } from '../openapi/operation.ts'

export interface VersionObject {
  readonly gitVersion: string
  readonly nodeVersion: string
  readonly platform: string
}

/** /version, and the document that describes all of this. */
export function versionRoutes(app: FastifyInstance, version: string, catalogue: Catalogue): void {
  const present: VersionObject = { gitVersion: `v${version}`, nodeVersion: process.version, platform: `${process.platform}/${process.arch}` }
  app.get('/version', described({ id: 'getVersion', doc: 'The version of the daemon.', answers: { 200: { doc: 'The version.', json: ['Version'] } } }), (_request, reply) => reply.send(present))
  const document = described({ id: 'getOpenApi', doc: 'This document.', answers: { 200: { doc: 'OpenAPI 3.1.', json: ['OpenApi'] } } })
  // Loaded when somebody asks for it.
  app.get('/openapi.json', document, async (_request, reply) => {
    const { openApiDocument } = await import('../openapi/document.ts')
    return reply.send(openApiDocument(catalogue.routes(), version))
  })
}
