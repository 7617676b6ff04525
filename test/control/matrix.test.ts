/** Gates G1, G2 and G4: every route × role × place × tenant × credential against a table written by hand and the tables of rights; other tenants' ids; fields that are not for the caller. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createKey as newKeyText } from '../../src/governance/key-format.ts'
import { permissions, type Permission } from '../../src/governance/permissions.ts'
import { builtInRoles } from '../../src/governance/roles.ts'
import { rules, type Rule, type Where } from './matrix-table.ts'
import { adminToken, carriers, customPermissions, oneScope, startWorld, type Carrier, type Place, type Schema, type Who, type World } from './matrix-world.ts'

let world: World
let routes: { method: string; path: string; name: string }[]
before(async () => {
  world = await startWorld()
  routes = world.rig.control.routes.map(({ method, path }) => ({ method, path, name: `${method} ${path}` }))
})
after(() => world.stop())

// The oracle: who may, by the tables of roles and permissions and by places counted out by hand.

const reaching: Readonly<Record<Where, readonly Place[]>> = {
  node: ['organisation', 'ancestor', 'parent', 'own'], above: ['organisation', 'ancestor', 'parent'], organisation: ['organisation'],
  anywhere: ['organisation', 'ancestor', 'parent', 'own', 'child', 'sibling', 'other branch'],
}
type Verdict = 'allowed' | 'forbidden' | 'not_found'

function held({ role, place }: Who, carrier: Carrier): Permission[] {
  const all = role === 'none' ? [] : role === 'custom' ? customPermissions : [...builtInRoles.find(({ id }) => id === role)!.permissions]
  if (role === 'owner' && place !== 'organisation' && place !== 'tenant') return []
  return all.filter((each) => {
    if (carrier === 'token with one scope' && each !== oneScope) return false
    const { reach } = permissions[each]
    return reach === 'node' || (reach === 'organisation' ? ['organisation', 'tenant'] : ['organisation']).includes(place)
  })
}

function expected(rule: Rule, who: Who, carrier: Carrier, hasId: boolean): Verdict {
  if (typeof rule === 'string') return 'allowed'
  const has = held(who, carrier)
  const { permission, where } = rule
  // A place of another organisation is not there; its own organisation is the tenant's whole.
  if (who.place === 'tenant' && hasId && (where === 'node' || where === 'above')) return 'not_found'
  if (has.length === 0) return 'not_found'
  const place = who.place === 'tenant' ? 'organisation' : who.place
  return has.includes(permission) && reaching[where].includes(place) ? 'allowed' : 'forbidden'
}

// What is sent: a body that the route's own check refuses, or a version that is not, so that nothing is changed by who may.

/** Where the place is in the body it must be one that the policy can read. */
const bodies: Readonly<Record<string, object>> = {
  'POST /api/v1/explain': { key_id: 'key_target' }, 'POST /api/v1/routing/explain': { key_id: 'key_target' }, 'POST /api/v1/teams': { parent_id: 'team_target' }, 'POST /api/v1/projects': { parent_id: 'team_target' }, 'POST /api/v1/keys': { node_id: 'team_target' }, 'POST /api/v1/memberships': { node_id: 'team_target' },
  'POST /api/v1/service-accounts': { node_id: 'team_target' }, 'POST /api/v1/budgets': { subject: { kind: 'team', id: 'team_target' } }, 'POST /api/v1/limits': { subject: { kind: 'team', id: 'team_target' } }, 'POST /api/v1/policies': { subject: { kind: 'team', id: 'team_target' } },
}
const pathOf = (path: string): string => path.replace('/*', '/console').replaceAll(/:(\w+)/g, (_, name: string) => {
  const [, , , first = '', second = ''] = path.split('/')
  const id = world.ids[`${first}/${second}`] ?? world.ids[first]
  assert.ok(id !== undefined, `matrix-world.ts has nothing for ${path}: add an id for its routes`)
  return name === 'id' || name === 'name' ? id : `${name}_target`
})
const documented = ({ method, path }: { method: string; path: string }) => world.document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
const bodyFor = (route: { method: string; path: string; name: string }): unknown =>
  documented(route)?.requestBody === undefined ? undefined : { ...bodies[route.name], 'not a field': true }
const hasPlace = ({ path, name }: { path: string; name: string }): boolean => path.includes(':') || bodies[name] !== undefined

async function verdictOf(route: { method: string; path: string; name: string }, headers: Record<string, string>): Promise<Verdict | 'unauthenticated' | `odd ${string}`> {
  const { status, text, denied } = await world.call(route.method, pathOf(route.path), { 'if-match': '"999999"', ...headers }, bodyFor(route))
  for (const canary of world.canaries) assert.ok(!text.includes(canary), `${route.name} answers with a stored credential`)
  if (status === 401 && text.includes('"unauthenticated"')) return 'unauthenticated'
  if (status >= 500 && status !== 503) return `odd ${status}: ${text}`
  if (!denied) return 'allowed'
  return status === 403 ? 'forbidden' : status === 404 ? 'not_found' : `odd ${status}: ${text}`
}

describe('G1: the matrix of routes', () => {
  test('every route has a row in the table, and every row a route', () => {
    assert.deepEqual(routes.map(({ name }) => name).filter((name) => !rules.has(name)), [], 'routes that are missing in test/control/matrix-table.ts: write down by hand what each asks for')
    assert.deepEqual([...rules.keys()].filter((name) => !routes.some((route) => route.name === name)), [], 'rows of test/control/matrix-table.ts without a route')
  })

  for (const carrier of carriers) {
    test(`every route × role × place by ${carrier} is decided as the tables demand`, async (t) => {
      const wrong: string[] = []
      const seen = new Map<string, number>()
      for (const route of routes) {
        const rule = rules.get(route.name)
        // Logging out ends the session that the others need; sign-in itself is counted by address.
        if (rule === undefined || rule === 'open' || route.name === 'DELETE /api/v1/session') continue
        for (const who of world.who) {
          const want = expected(rule, who, carrier, hasPlace(route))
          const got = await verdictOf(route, who.headers[carrier])
          seen.set(want, (seen.get(want) ?? 0) + 1)
          if (got !== want) wrong.push(`${route.name} as ${who.role} at ${who.place}: ${got}, expected ${want}`)
        }
      }
      assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} mismatches`)
      assert.deepEqual([...seen.keys()].sort(), ['allowed', 'forbidden', 'not_found'])
      const closed = routes.filter(({ name }) => rules.get(name) !== 'open').length
      t.diagnostic(`${routes.length} routes, ${closed} of them closed, × ${world.who.length} principals (roles at places, both tenants): ${[...seen].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}; ${wrong.length} mismatches`)
    })
  }

  test('the operator’s token may everything in the organisation that it names, and nothing of another', async () => {
    const wrong: string[] = []
    for (const route of routes) {
      const rule = rules.get(route.name)
      if (rule === undefined || rule === 'open') continue
      for (const [org, isOther] of [[world.org, false], [world.other, true]] as const) {
        const owner = world.who.find(({ role, place }) => role === 'owner' && place === (isOther ? 'tenant' : 'organisation'))!
        const want = expected(rule, owner, 'session', hasPlace(route))
        const got = await verdictOf(route, { authorization: `Bearer ${adminToken}`, 'x-megarouter-organisation': org })
        if (got !== want) wrong.push(`${route.name} in ${isOther ? 'another' : 'its own'} organisation: ${got}, expected ${want}`)
      }
    }
    assert.deepEqual(wrong, [])
  })

  test('nothing, an API key, and a session without its proof open no closed route', async () => {
    const owner = world.who.find(({ role, place }) => role === 'owner' && place === 'organisation')!
    const { cookie, origin } = owner.headers.session
    for (const route of routes.filter(({ name }) => rules.get(name) !== 'open')) {
      for (const headers of [{}, { authorization: `Bearer ${newKeyText()}` }, { authorization: `Bearer ${newKeyText(undefined, 'mrt-')}` }, { 'x-api-key': newKeyText() }, { authorization: 'Bearer x', cookie: cookie! }]) assert.equal(await verdictOf(route, headers), 'unauthenticated', route.name)
      if (route.method === 'GET') continue
      for (const headers of [{ cookie: cookie! }, { cookie: cookie!, origin: origin! }, { cookie: cookie!, origin: 'https://evil.example', 'x-megarouter-csrf': owner.headers.session['x-megarouter-csrf']! }]) {
        const { status, text } = await world.call(route.method, pathOf(route.path), headers, bodyFor(route))
        assert.deepEqual([status, JSON.parse(text).error.code], [403, 'csrf_failed'], route.name)
      }
    }
  })
})

describe('G2: other tenants', () => {
  test('an id of another organisation is not there, on every route that takes one, for its owner too', async () => {
    const owner = world.who.find(({ role, place }) => role === 'owner' && place === 'tenant')!
    const candidates = [{}, { secret: 'x' }, { name: 'x' }, { overlap_minutes: 0 }, { note: 'x' }, { reason: 'x', amount_usd: '1', until: '2099-01-01T00:00:00Z' }, undefined]
    for (const route of routes.filter(({ path, name }) => path.includes(':') && rules.get(name) !== 'open')) {
      const answers = []
      for (const body of documented(route)?.requestBody === undefined ? [undefined] : candidates) answers.push(await world.call(route.method, pathOf(route.path), owner.headers.session, body))
      const statuses = answers.map(({ status }) => status)
      const rule = rules.get(route.name)
      // What only the operator's organisation may is refused to all others, whatever the id.
      const none = typeof rule === 'object' && permissions[rule.permission].reach === 'installation' ? 403 : 404
      assert.ok(statuses.includes(none) && statuses.every((status) => [400, none].includes(status)), `${route.name}: ${statuses.join()} ${answers[0]!.text}`)
    }
  })

  test('no list of another organisation holds anything of this one', async () => {
    const owner = world.who.find(({ role, place }) => role === 'owner' && place === 'tenant')!
    const theirs = [...Object.values(world.ids).filter((id) => id !== world.other), world.org, 'team_top', 'usr_owner-organisation', 'cred_target']
    for (const route of routes.filter(({ method, path, name }) => method === 'GET' && path.startsWith('/api/v1/') && !path.includes(':') && typeof rules.get(name) === 'object')) {
      const { text } = await world.call('GET', route.path, owner.headers.session)
      for (const id of theirs) assert.ok(!text.includes(`"${id}"`), `${route.name} tells of ${id}`)
    }
  })

  test('a role of another organisation gives nothing here', async () => {
    const tenant = world.who.find(({ role, place }) => role === 'owner' && place === 'tenant')!
    const { status } = await world.call('GET', '/api/v1/keys', { ...tenant.headers.token, 'x-megarouter-organisation': world.org })
    assert.equal(status, 404)
  })
})

describe('G4: fields', () => {
  const resolved = (schema: Schema): Schema => (schema.$ref === undefined ? schema : resolved(world.document.components.schemas[schema.$ref.split('/').at(-1)!]!))
  /** Every object in a body, by its path. */
  function objects(given: Schema, path: string): { path: string; schema: Schema }[] {
    const schema = resolved(given)
    const own = schema.properties === undefined ? [] : [{ path, schema }]
    const below = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => objects(each, `${path}.${name}`))
    const parts = [...schema.anyOf ?? [], ...schema.oneOf ?? [], ...schema.allOf ?? [], ...(schema.items === undefined ? [] : [schema.items])].flatMap((each) => objects(each, path))
    return [...own, ...below, ...parts]
  }

  test('no body takes a field that it does not name, at any depth', () => {
    const lax: string[] = []
    for (const route of routes) for (const [type, { schema }] of Object.entries(documented(route)?.requestBody?.content ?? {})) {
      for (const { path, schema: each } of objects(schema, type)) if (each.additionalProperties !== false) lax.push(`${route.name} ${path}`)
    }
    assert.deepEqual(lax, [])
  })

  test('fields that are not for the caller are refused by name', async () => {
    const owner = world.who.find(({ role, place }) => role === 'owner' && place === 'organisation')!
    for (const route of routes) {
      const operation = documented(route)
      const schema = operation?.requestBody?.content['application/json']?.schema
      if (schema === undefined || rules.get(route.name) === 'open') continue
      const known = new Set(objects(schema, '').flatMap((each) => Object.keys(each.schema.properties ?? {})))
      for (const field of ['org', 'org_id', 'version', 'revision', 'managed_by', 'created_at', 'deleted_at', 'hash', 'password_hash', 'secret_ref', 'source', 'granted_by', 'created_by', '__proto__x'].filter((each) => !known.has(each))) {
        const { status, text } = await world.call(route.method, pathOf(route.path), owner.headers.session, { ...bodies[route.name], [field]: 'x' })
        assert.equal(status, 400, `${route.name} takes ${field}: ${text}`)
        assert.ok(text.includes(field), `${route.name} does not name ${field}: ${text}`)
      }
    }
  })
})
