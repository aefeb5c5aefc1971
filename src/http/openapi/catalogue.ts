import type { FastifyInstance } from 'fastify'
import type { DescribedRoute } from './document.ts'

/** Every route that was made, with what it is for. */
export interface Catalogue {
  routes(): readonly DescribedRoute[]
}

/** Notes all routes that are made from now on. Throws at one that does not say what it is for. */
export function catalogueOf(app: FastifyInstance): Catalogue {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    const operation = config?.operation
    if (operation === undefined) throw new Error(`route ${String(method)} ${url} does not say what it is for`)
    for (const one of [method].flat()) routes.push({ method: one, url, operation })
  })
  return { routes: () => routes }
}
