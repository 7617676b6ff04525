import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { plainPolicy, type RoutingPolicyData } from '../../src/routing/policy-data.ts'
import { changesSince } from '../../src/store/changes.ts'
import { transaction, type Write } from '../../src/store/database.ts'
import { currentRevision, ManagedElsewhereError, NameTakenError, VersionConflictError } from '../../src/store/edits.ts'
import { createKey, findKey, revokeKey, updateKey } from '../../src/store/keys.ts'
import { isGovernedByFile } from '../../src/store/managed.ts'
import { createNode, updateNode } from '../../src/store/nodes.ts'
import { createRoutingPolicy, deleteRoutingPolicy, findRoutingPolicy, listRoutingPolicies, PolicyInUseError, updateRoutingPolicy } from '../../src/store/routing-policies.ts'
import { findSettings, updateSettings } from '../../src/store/settings.ts'
import { ensureOrganisation } from '../../src/store/users.ts'
import { onBothDatabases, type TestDatabase } from './databases.ts'

const at = 1_780_000_000_000_000
const full: RoutingPolicyData = {
  name: 'agents', base: 'cheap', candidates: [{ model: 'gpt-5.1', effort: 'low', when: 'request.stream' }, { model: 'groq/x', effort: null, when: null }], cost: 0.1, latency: 0, tolerance: 0.2, margin: 0.05, minQuality: 0.5,
  maxCostNano: 9_000_000_000_000_000, maxLatencyMs: 1_000, sticky: false, exploreShare: 0, exploreSpend: 0.01, hedge: { maxSpend: 0.06 }, cache: { ttlS: 60 },
}

onBothDatabases((open) => {
  let store: TestDatabase
  let org: string
  const edit = <Result>(work: (write: Write) => Promise<Result>, time = at): Promise<Result> => transaction(store.database, time, work)
  const newKey = (id: string, routingPolicy: string | null) => edit((write) => createKey(write, { id, org, name: `name of ${id}`, prefix: 'mr-abc', last4: 'wxyz', hash: randomBytes(32), pepperVersion: 1, routingPolicy }))
  const remove = (name: string, isBuiltIn = false) => edit((write) => deleteRoutingPolicy(write, org, name, { isBuiltIn }))

  beforeEach(async () => {
    store = await open()
    org = (await edit((write) => ensureOrganisation(write, randomBytes(16)))).id
  })
  afterEach(() => store.close())

  test('a routing policy keeps every field, is found by its own organisation alone, and its name is taken', async () => {
    await edit((write) => createRoutingPolicy(write, org, full))
    const found = await findRoutingPolicy(store.database, org, 'agents')
    assert.deepEqual([found!.data, found!.version, found!.managedBy, found!.deleted], [full, 1, 'api', false])
    assert.equal(await findRoutingPolicy(store.database, 'org_other', 'agents'), null)
    await assert.rejects(edit((write) => createRoutingPolicy(write, org, plainPolicy('agents'))), NameTakenError)
  })

  test('a field that an older version did not store is as the base has it', async () => {
    await edit((write) => createRoutingPolicy(write, org, full))
    await store.database.kysely.updateTable('routing_policy').set({ body: '{"base":"fast"}' }).execute()
    assert.deepEqual((await findRoutingPolicy(store.database, org, 'agents'))!.data, plainPolicy('agents', 'fast'))
  })

  test('changes and deletions rise in version and revision, reach who asks for changes, and a deleted policy can be made again', async () => {
    const made = await edit((write) => createRoutingPolicy(write, org, full))
    const before = await currentRevision(store.database)
    const changed = await edit((write) => updateRoutingPolicy(write, org, plainPolicy('agents'), { ifVersion: 1 }))
    assert.deepEqual([changed!.version, changed!.data], [2, plainPolicy('agents')])
    await assert.rejects(edit((write) => updateRoutingPolicy(write, org, full, { ifVersion: 1 })), VersionConflictError)
    await remove('agents')
    const { routingPolicies, revision } = await changesSince(store.database, before)
    assert.deepEqual(routingPolicies.map(({ name, version, deleted }) => [name, version, deleted]), [['agents', 3, true]])
    assert.ok(revision > before && routingPolicies[0]!.revision > made.revision)
    assert.deepEqual((await changesSince(store.database, revision)).routingPolicies, [])
    assert.equal((await edit((write) => createRoutingPolicy(write, org, full))).version, 4)
  })

  test('a list that is cut short is told whole in further calls', async () => {
    for (const name of ['c', 'a', 'b']) await edit((write) => createRoutingPolicy(write, org, plainPolicy(name)))
    const names: string[] = []
    for (let from = 0, more = true; more;) {
      const changes = await changesSince(store.database, from, 1)
      names.push(...changes.routingPolicies.map(({ name }) => name))
      ;[from, more] = [changes.revision, changes.more]
    }
    assert.deepEqual(names, ['c', 'a', 'b'])
    const first = await listRoutingPolicies(store.database, org, { limit: 2 })
    const rest = await listRoutingPolicies(store.database, org, { limit: 2, cursor: first.nextCursor })
    assert.deepEqual([...first.data, ...rest.data].map(({ name }) => name), ['a', 'b', 'c'])
  })

  test('one that a living key, team or project names is not deleted, unless a built-in one takes its place', async () => {
    for (const name of ['agents', 'batch', 'fast']) await edit((write) => createRoutingPolicy(write, org, plainPolicy(name)))
    await newKey('key_1', 'agents')
    await newKey('key_2', 'fast')
    await edit((write) => createNode(write, { id: 'team_1', org, parent: null, kind: 'team', name: 'Search', description: '', weight: 1, defaults: { policy: 'batch' } }))
    await assert.rejects(remove('agents'), (error: Error) => error instanceof PolicyInUseError && /still that of the key name of key_1: /.test(error.message))
    await assert.rejects(remove('batch'), (error: Error) => error instanceof PolicyInUseError && /the team Search/.test(error.message))
    assert.equal((await remove('fast', true))!.name, 'fast')
    await edit((write) => revokeKey(write, org, 'key_1'))
    await edit((write) => updateNode(write, org, 'team_1', { defaults: null }))
    assert.deepEqual([(await remove('agents'))!.name, (await remove('batch'))!.name], ['agents', 'batch'])
    assert.equal(await remove('agents'), null)
  })

  test('a policy of the file governs, and is changed there alone', async () => {
    assert.equal(await isGovernedByFile(store.database, org), false)
    await edit((write) => createRoutingPolicy(write, org, full, 'file'))
    assert.equal(await isGovernedByFile(store.database, org), true)
    await assert.rejects(edit((write) => updateRoutingPolicy(write, org, full)), ManagedElsewhereError)
    await assert.rejects(remove('agents'), ManagedElsewhereError)
  })

  test('a key names a policy, or none; settings say how new models come in, by themselves where nothing was said', async () => {
    await newKey('key_1', 'agents')
    assert.equal((await findKey(store.database, org, 'key_1'))!.routingPolicy, 'agents')
    await edit((write) => updateKey(write, org, 'key_1', { routingPolicy: null }))
    assert.equal((await findKey(store.database, org, 'key_1'))!.routingPolicy, null)
    assert.equal((await findSettings(store.database, org))!.newModels, 'automatic')
    await edit((write) => updateSettings(write, org, { newModels: 'approval' }))
    await edit((write) => updateSettings(write, org, { unknownPrice: 'allow' }))
    assert.equal((await findSettings(store.database, org))!.newModels, 'approval')
  })
})
