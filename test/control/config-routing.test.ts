/** Routing policies of megarouter.yaml: what is said of mistakes, and what becomes of them in the database. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errorText, parseConfig } from '../../src/config.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { createKey as newKeyText, storedForm } from '../../src/governance/key-format.ts'
import { RefusedError } from '../../src/control/reconcile/run.ts'
import { vendors } from '../../src/providers/index.ts'
import { transaction } from '../../src/store/database.ts'
import { createKey, listKeys } from '../../src/store/keys.ts'
import { createRoutingPolicy, listRoutingPolicies } from '../../src/store/routing-policies.ts'
import { findSettings } from '../../src/store/settings.ts'
import { organisationsBySlug } from '../../src/store/organisations.ts'
import { onBothDatabases } from '../store/databases.ts'
import { at, instance, type Instance } from './config-instance.ts'

function mistakes(text: string): string[] {
  const parsed = parseConfig(text, { LIMIT: '0.02' }, [...vendors.keys()])
  return parsed.ok ? [] : parsed.errors.map((error) => errorText(error, null).replace(/^megarouter\.yaml:/, ''))
}

test('what is wrong with a policy is told with line, column and field, all at once', () => {
  const text = [
    'routing:', '  policies:', '    - { name: a, cost: 11, tolerance: 0.1, hedge: { max_spend: 1 } }', '    - name: a', '      base: fastest', '    - name: c', '      candidates:', '        - gpt-5.1', '        - { model: o4-mini, when: request.tag == "x" }', '        - gpt-5.1',
    'keys:', '  - { name: k, routing_policy: chaep }', 'teams:', '  T: { defaults: { policy: d } }',
  ].join('\n')
  assert.match(mistakes(text).join('\n'), /^5:13 routing\.policies\[1\]\.base: /)
  assert.deepEqual(mistakes(text.replace('fastest', 'fast')), [
    '3:24 routing.policies[0].cost: is 11; it must be a number from 0 to 10',
    '3:39 routing.policies[0].tolerance: is only of effect with the base cheap: leave it out, or take that base',
    '3:64 routing.policies[0].hedge.max_spend: must be above 0 and at most 0.1: the share of the spend that second attempts may cost',
    '4:13 routing.policies[1].name: a routing policy a is declared above: choose another name',
    '9:43 routing.policies[2].candidates[1].when: There is no request.tag. Did you mean request.tags?',
    '10:11 routing.policies[2].candidates[2]: gpt-5.1 stands above already with the same effort and condition: keep one',
    '12:32 keys[0].routing_policy: there is no routing policy "chaep" in this file: did you mean cheap?',
    '14:28 teams.T.defaults.policy: there is no routing policy "d" in this file: did you mean a or c?',
  ])
})

test('names that a request could not tell apart are refused: auto, policies, aliases of the organisation and of a team, declared models', () => {
  const policies = 'routing: { policies: [{ name: mine }, { name: fast }] }\n'
  for (const [text, expected] of [
    ['routing: { policies: [{ name: auto }] }', /policies\[0\]\.name: auto itself is no policy/],
    [`${policies}aliases: { mine: { targets: [x] } }`, /2:12 aliases\.mine: there is a routing policy mine in this file too/],
    ['aliases: { auto: { targets: [x] } }', /auto asks for a routing policy: choose another name/],
    ['aliases: { a: { targets: ["auto:fast"] } }', /aliases\.a\.targets\[0\]: an alias cannot lead to auto:fast/],
    [`${policies}teams: { T: { defaults: { aliases: { mine: { targets: [x] } } } } }`, /teams\.T\.defaults\.aliases\.mine: there is a routing policy mine/],
    [`${policies}deployments: [{ model: mine, provider: openai, upstream_model: x }]`, /deployments\[0\]\.model: there is a routing policy mine/],
    ['organisations: { acme: { keys: [{ name: k, routing_policy: nope }] } }', /organisations\.acme\.keys\[0\]\.routing_policy: there is no routing policy/],
  ] as const) assert.match(mistakes(text).join('\n'), expected, text)
  assert.deepEqual(mistakes(`${policies}aliases: { fast: { targets: [x] } }`), [], 'a built-in policy’s name stands in nobody’s way')
  assert.deepEqual(mistakes('routing: { policies: [{ name: a, cost: "${LIMIT}", max_cost_usd: "${LIMIT}" }] }'), [], 'numbers may come from variables')
})

onBothDatabases((open) => describe('routing of a file', () => {
  const run = async (work: (it: Instance) => Promise<void>): Promise<void> => {
    const { database, close } = await open()
    try {
      await work(await instance(database, 5))
    } finally {
      await close()
    }
  }
  const stored = async ({ database, org }: Instance) => (await listRoutingPolicies(database, org, { limit: 50 })).data
  const policy = (name: string, ...candidates: string[]) => `routing: { policies: [{ name: ${name}, candidates: [${candidates.join(', ')}] }] }`

  test('is made, changed, left alone where it is equal, and deleted when it is no longer declared', () => run(async (it) => {
    const { changes } = await it.apply('routing:\n  new_models: approval\n  policies: [{ name: a, base: cheap, max_cost_usd: 0.05, cache: { ttl_seconds: 60 } }]\n')
    assert.deepEqual(changes.map(({ kind, name, action, after }) => [kind, name, action, after?.max_cost_usd ?? after?.new_models]), [['settings', changes[0]!.name, 'update', 'approval'], ['routing_policy', 'a', 'create', '0.05']])
    assert.deepEqual((await stored(it)).map(({ data, managedBy }) => [data, managedBy]), [[{ ...plainPolicy('a', 'cheap'), maxCostNano: 50_000_000, cache: { ttlS: 60 } }, 'file']])
    assert.equal((await findSettings(it.database, it.org))!.newModels, 'approval')
    assert.match(await it.exported(), /routing:\n {2}policies:\n {4}- name: a\n {6}base: cheap\n {6}max_cost_usd: "0.05"\n {6}cache:\n {8}ttl_seconds: 60\n {2}new_models: approval\n/)
    const again = 'routing:\n  new_models: approval\n  policies: [{ name: a, base: best }]\n'
    assert.deepEqual((await it.apply(again)).changes.map(({ action, before, after }) => [action, before?.base, after?.base]), [['update', 'cheap', 'best']])
    assert.deepEqual((await it.apply(again)).changes, [])
    assert.deepEqual((await it.apply('{}')).changes.map(({ kind, action }) => [kind, action]), [['settings', 'update'], ['routing_policy', 'delete']])
    assert.deepEqual(await stored(it), [])
  }))

  test('names models that exist: another is refused with its place and the nearest names; one that was accepted stays', () => run(async (it) => {
    const refused = (text: string, expected: RegExp) => assert.rejects(it.apply(text), (error) => error instanceof RefusedError && error.errors[0]!.line !== null && expected.test(`${error.errors[0]!.line}:${error.errors[0]!.column} ${error.message}`), text)
    await refused(policy('a', 'gpt-4.1', 'gpt-4.l'), /^1:\d+ routing\.policies\[0\]\.candidates\[1\]: There is no model gpt-4\.l\. Did you mean .*gpt-4\.1/)
    await refused(policy('a', '{ model: nosuch/x, effort: low }'), /candidates\[0\]\.model: There is no model nosuch\/x/)
    await refused(`aliases: { quick: { targets: [gpt-4.1] } }\n${policy('a', 'quick')}`, /quick is an alias/)
    assert.deepEqual(await stored(it), [], 'nothing of it was stored')
    const house = 'providers: { own: { base_url: "http://127.0.0.1:1/v1" } }\ndeployments: [{ model: house, provider: own, upstream_model: m }]\n'
    await it.apply(`${house}${policy('a', 'house', 'own/other', 'openai/new')}`)
    await it.apply(policy('a', 'house', 'own/other', 'openai/new'))
    assert.equal((await stored(it)).length, 1, 'what was accepted stays, though the deployment is gone')
    await refused(policy('a', 'house', 'openai/newer'), /no model house/)
  }))

  test('goes with the keys and teams that name it, and stays while a key of the API does', () => run(async (it) => {
    const text = newKeyText()
    const file = (keys: string) => `${policy('a', 'gpt-4.1')}\nteams: { T: { defaults: { policy: a } } }\n${keys}`
    await it.apply(file('keys: [{ name: k, key: "${KEY}", routing_policy: a }]'), { KEY: text })
    assert.deepEqual((await listKeys(it.database, it.org, { limit: 5 })).data.map(({ routingPolicy }) => routingPolicy), ['a'])
    const exported = await it.exported()
    assert.match(exported, /defaults:\n {6}policy: a\n/)
    assert.match(exported, / {4}routing_policy: a\n/)
    await transaction(it.database, at, (write) => createKey(write, { id: 'key_x', org: it.org, name: 'by hand', ...storedForm({ version: 1, key: Buffer.alloc(32, 9) }, newKeyText()), routingPolicy: 'a' }))
    await assert.rejects(it.apply('teams: {}'), /still that of the key by hand/)
    assert.equal((await stored(it)).length, 1)
    await it.database.kysely.updateTable('api_key').set({ routing_policy: null }).where('id', '=', 'key_x').execute()
    await it.apply('teams: {}')
    assert.deepEqual(await stored(it), [])
  }))

  test('of a further organisation is its own, and one that was made by hand is left alone', () => run(async (it) => {
    await transaction(it.database, at, (write) => createRoutingPolicy(write, it.org, plainPolicy('by-hand')))
    await it.apply('organisations: { acme: { routing: { new_models: approval, policies: [{ name: theirs }] }, teams: { T: { defaults: { policy: theirs } } } } }')
    const acme = (await organisationsBySlug(it.database)).find(({ slug }) => slug === 'acme')!.id
    assert.deepEqual((await listRoutingPolicies(it.database, acme, { limit: 5 })).data.map(({ name }) => name), ['theirs'])
    assert.deepEqual([(await findSettings(it.database, acme))!.newModels, (await findSettings(it.database, it.org))!.newModels], ['approval', 'automatic'])
    assert.deepEqual((await stored(it)).map(({ name }) => name), ['by-hand'])
  }))
}))
