/**
 * The control plane's application: admin API, its documentation and the console, behind one set of headers, bounds and errors.
 * It cannot be built with a route that has no policy.
 */
import { createHash } from 'node:crypto'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { BadCursorError, IdempotencyMismatchError, ManagedElsewhereError, NameTakenError } from '../store/edits.ts'
import { newId } from '../store/ids.ts'
import { LastOwnerError } from '../store/memberships.ts'
import { TreeError } from '../store/nodes.ts'
import { RoleInUseError } from '../store/roles.ts'
import { PolicyInUseError } from '../store/routing-policies.ts'
import { isTransient } from '../store/save.ts'
import { RangeTooLargeError } from '../store/usage.ts'
import { createApi } from './api.ts'
import { middleware, openRoute, policiesOf, type RoutePolicy } from './authorize.ts'
import { docsPage, docsStyle } from './docs-page.ts'
import { ControlError, errorBody } from './errors.ts'
import type { Handler } from './listen.ts'
import { router } from './router.ts'
import type { Services } from './services.ts'
import { serveConsole } from './static-files.ts'

const maxBodyBytes = 1_200_000
/** A configuration file of full size, with the values of its variables. */
const maxConfigBytes = 12_000_000
const bodiesUpTo = (maxSize: number) => bodyLimit({
  maxSize,
  onError: () => {
    throw new ControlError('request_too_large', `The body is larger than ${maxSize} bytes, the most that is taken here. Send less at once.`)
  },
})
const bodies = bodiesUpTo(maxBodyBytes)
const configBodies = bodiesUpTo(maxConfigBytes)

const contentSecurityPolicy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "font-src 'self'", "manifest-src 'self'",
  "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'",
].join('; ')

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

interface AppSettings {
  services: Services
  /** Directory of the built console. */
  console: string
  log: { error(details: object, message: string): void }
}

/** The database's and the store's own errors, in the words of the API. */
function translated(error: unknown): ControlError | null {
  if (error instanceof ControlError) return error
  if (error instanceof ManagedElsewhereError) return new ControlError('managed_by_file', `${sentence(error.message)}`)
  if (error instanceof NameTakenError) return new ControlError('already_exists', sentence(error.message))
  if (error instanceof IdempotencyMismatchError) return new ControlError('idempotency_conflict', sentence(error.message), { param: 'idempotency-key' })
  if (error instanceof BadCursorError) return new ControlError('invalid_request', sentence(error.message), { param: 'cursor' })
  if (error instanceof TreeError) return new ControlError(error.code, sentence(error.message), error.code === 'misplaced' ? { param: 'parent_id' } : {})
  if (error instanceof LastOwnerError) return new ControlError('last_owner', sentence(error.message))
  if (error instanceof RoleInUseError) return new ControlError('role_in_use', sentence(error.message))
  if (error instanceof PolicyInUseError) return new ControlError('policy_in_use', sentence(error.message))
  if (error instanceof RangeTooLargeError) return new ControlError('range_too_large', sentence(error.message), { param: 'range' })
  if (error instanceof HTTPException && error.status === 415) return new ControlError('unsupported_content_type', 'The body must be JSON, sent with content-type: application/json.')
  if (error instanceof HTTPException && error.status < 500) return new ControlError('invalid_json', 'The body is not valid JSON. Let a JSON library write it.')
  if (isTransient(error)) {
    return new ControlError('database_unavailable', 'The database does not answer. Requests with known keys go on; try again in a moment.', { retryAfterMs: 2_000 })
  }
  return null
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

export function createApp({ services, console: consoleDirectory, log }: AppSettings): { handler: Handler; routes: RoutePolicy[]; document: unknown } {
  const app = router()
  app.use(middleware(async (c, next) => {
    const requestId = newId('req', services.clock.epochMs(), services.random(16))
    c.set('requestId', requestId)
    c.set('database', services.database)
    c.set('identity', services.identity)
    c.set('rights', services.rights)
    c.set('denied', services.denied)
    await next()
    c.res.headers.set('x-megarouter-request-id', requestId)
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
    if (c.env.client.https) c.res.headers.set('strict-transport-security', 'max-age=31536000')
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  }))
  app.use(middleware((c, next) => (c.req.path.startsWith('/api/v1/config/') ? configBodies : bodies)(c, next)))
  app.onError((error, c) => {
    const known = translated(error)
    if (known === null) log.error({ err: error, requestId: c.var.requestId, method: c.req.method, path: c.req.path }, 'a request of the admin API failed')
    const shown = known ?? new ControlError('internal_error', 'MegaRouter failed here; the log has the details under this request id.')
    if (shown.details.retryAfterMs !== undefined) c.header('retry-after', String(Math.ceil(shown.details.retryAfterMs / 1000)))
    if (shown.status === 401) c.header('www-authenticate', 'Bearer')
    return c.json(errorBody(shown, c.var.requestId), shown.status)
  })
  app.notFound((c) => {
    throw new ControlError('not_found', `There is no ${c.req.method} ${c.req.path}. The admin API is described at /api/docs.`)
  })

  app.route('/api/v1', createApi(services))
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', { type: 'apiKey', in: 'cookie', name: '__Host-megarouter' })
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer', description: 'MEGAROUTER_ADMIN_TOKEN' })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'MegaRouter admin API', version: services.about.version, description: 'Money is integer nano-dollars (1e-9 USD); times are ISO 8601.' },
  })
  const page = docsPage(document)
  const style = { text: docsStyle, etag: `"${createHash('sha256').update(docsStyle).digest('base64url').slice(0, 22)}"` }
  app.get('/api/v1/openapi.json', openRoute, (c) => c.json(document))
  app.get('/api/docs', openRoute, (c) => c.html(page))
  app.get('/api/docs.css', openRoute, (c) => c.body(style.text, 200, { 'content-type': 'text/css; charset=utf-8', etag: style.etag, 'cache-control': 'no-cache' }))
  app.get('*', openRoute, serveConsole(consoleDirectory))

  return { handler: (request, bindings) => app.fetch(request, bindings), routes: policiesOf(app), document }
}
