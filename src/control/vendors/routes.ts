/** `/vendors`: the declarations, with their state here. */
import { createRoute } from '@hono/zod-openapi'
import type { Vendor } from '../../providers/provider.ts'
import { self } from '../authorize.ts'
import { errors } from '../errors.ts'
import { router } from '../router.ts'
import { json } from '../schema.ts'
import type { Services } from '../services.ts'
import { vendorListSchema } from './schema.ts'

const list = createRoute({ ...self, method: 'get', path: '/vendors', tags: ['Providers'], summary: 'Vendors and their state', responses: { 200: json(vendorListSchema, 'All vendors'), ...errors(401) } })

function stateOf({ publisher }: Services, org: string, vendor: Vendor): 'on' | 'off' | 'error' {
  const enabled = [...publisher.rowsOf(org).providers.values()].filter((provider) => provider.vendor === vendor.id && provider.enabled)
  if (enabled.length === 0) return 'off'
  return enabled.some((provider) => publisher.publishedOf(org).has(provider.id)) ? 'on' : 'error'
}

export const vendors = (services: Services) => router().openapi(list, (c) => {
  const counts = Map.groupBy(services.catalog.entries, (entry) => entry.vendor)
  const data = [...services.vendors.values()].map((vendor) => ({
    id: vendor.id, name: vendor.name, docs: vendor.docs, env: [...vendor.env], base_url_env: vendor.baseUrlEnv, base_url: vendor.baseUrl ?? null,
    credential: vendor.credential ?? null,
    places: Object.entries(vendor.places ?? {}).map(([name, what]) => ({ name, what })), placed_urls: (vendor.placedUrls ?? []).map(({ when, baseUrl }) => ({ when, base_url: baseUrl })),
    forms: (vendor.forms ?? []).map(({ name, parts }) => ({ name, parts: parts.map((part) => ({ name: part.name, what: part.what, secret: part.secret === true, optional: part.optional === true })) })),
    self_hosted: vendor.selfHosted === true, simulated: vendor.simulated === true,
    state: stateOf(services, c.var.caller.org, vendor), models: counts.get(vendor.id)?.length ?? 0,
  }))
  return c.json({ data, next_cursor: null }, 200)
})
