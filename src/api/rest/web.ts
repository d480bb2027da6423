/** The built dashboard with its routes, or a page that says how to build it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { apiPrefix } from '../contract/base.ts'
import { HttpRefusal } from '../errors.ts'
import { isApiPath } from './http-access.ts'

const missing = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Runyard</title>
<h1>Runyard is running</h1>
<p>The dashboard is not built yet. In the folder of Runyard, type: <code>npm run prepare</code></p>
<p>The API is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
`

const wantsPage = (request: FastifyRequest): boolean =>
  (request.method === 'GET' || request.method === 'HEAD') &&
  !isApiPath(request.url) &&
  !namesFile.test(request.url.split('?', 1)[0] ?? '')

/** Of addresses of pages only that of a pipeline has a name in it, and its dot is no file's: `/pipelines/deploy.v1`. */
const namesFile = /^\/assets\/|^(?!\/pipelines\/[^/]+$).*\.[a-z0-9]{1,8}$/i

/** `routes`: those of the API, for what asks one of them with another method. */
export async function installWeb(
  app: FastifyInstance,
  webRoot: string,
  routes: readonly { method: string; url: string }[] = [],
): Promise<void> {
  const built = existsSync(join(webRoot, 'index.html'))
  if (built) {
    await app.register(fastifyStatic, {
      root: webRoot,
      wildcard: false,
      // The build puts a `.br` and a `.gz` beside what is worth it.
      preCompressed: true,
      globIgnore: ['**/*.br', '**/*.gz'],
      // Vite puts a hash of the content into the names below /assets.
      setHeaders: (reply, path) => {
        const lasting = path.startsWith(join(webRoot, 'assets'))
        reply.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
  } else {
    app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(missing))
  }
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(routes, request.url)
    if (methods.length > 0) {
      void reply.header('allow', methods.join(', '))
      throw new HttpRefusal(
        405,
        'invalid_argument',
        `${request.method} is not for this address; use ${methods.join(' or ')}`,
      )
    }
    if (!wantsPage(request)) throw new HttpRefusal(404, 'not_found', 'there is nothing at this address')
    if (!built) return reply.redirect('/')
    return reply.header('cache-control', 'no-cache').sendFile('index.html')
  })
}

/** What an address of the API takes; empty when there is none such. */
function methodsAt(routes: readonly { method: string; url: string }[], url: string): string[] {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith(`${apiPrefix}/`)) return []
  const fits = (pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`).test(path)
  const methods = routes.filter((route) => fits(route.url)).map((route) => route.method)
  return [...new Set(methods)].toSorted()
}
