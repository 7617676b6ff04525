/**
 * Who may call a route. The policy is the first handler of the matched route itself, so that what was authorised is what runs;
 * `policiesOf` refuses an application in which any route lacks one, which makes denial the default.
 */
import type { Env, Hono, MiddlewareHandler, Schema } from 'hono'
import type { ControlEnv } from './context.ts'

type Policy = 'public' | 'owner'

const allowAnyone: MiddlewareHandler<ControlEnv> = (_, next) => next()

const requireOwner: MiddlewareHandler<ControlEnv> = async (c, next) => {
  c.set('caller', await c.var.identity.authenticate(c.req.raw.headers, c.req.method, c.env.client))
  await next()
}

/** Spread into a route's declaration: `createRoute({ ...owner, method, path, … })`. */
export const open = { middleware: [allowAnyone], security: [] }
export const owner = { middleware: [requireOwner], security: [{ session: [] }, { token: [] }] }
/** For the few routes outside the OpenAPI document. */
export const openRoute = allowAnyone

const policies = new Map<unknown, Policy>([[allowAnyone, 'public'], [requireOwner, 'owner']])
const shared = new WeakSet<MiddlewareHandler<ControlEnv>>()

/** Marks a handler as one that never answers a route by itself with data, so that it may run before the policy. */
export function middleware(handler: MiddlewareHandler<ControlEnv>): MiddlewareHandler<ControlEnv> {
  shared.add(handler)
  return handler
}

export interface RoutePolicy { method: string; path: string; policy: Policy }

/** Every route with its policy. Throws when one has none. */
export function policiesOf<E extends Env, S extends Schema, P extends string>(app: Hono<E, S, P>): RoutePolicy[] {
  const found = new Map<string, RoutePolicy>()
  for (const { method, path, handler } of app.routes) {
    if (shared.has(handler as MiddlewareHandler<ControlEnv>)) continue
    const name = `${method} ${path}`
    if (found.has(name)) continue
    const policy = policies.get(handler)
    if (policy === undefined) throw new Error(`The route ${name} has no policy as its first handler: spread "owner" or "open" into its declaration.`)
    found.set(name, { method, path, policy })
  }
  return [...found.values()]
}
