import assert from 'node:assert/strict'
import test from 'node:test'
import type { Catalog } from '../catalog/catalog.ts'
import { vendors } from '../providers/index.ts'
import { plainPolicy, type RoutingPolicyData } from '../routing/policy-data.ts'
import { compileSnapshot, deploymentOf } from './compile-snapshot.ts'
import { noRateLimit, viewOf, type SnapshotData } from './snapshot.ts'

const organisation = { id: 'org', name: 'Org', timeZone: 'UTC', budget: null, rateLimit: noRateLimit, unknownPrice: 'block', storesContent: false } as const

test('a snapshot outranks the one before it, also when the clock that numbers them was set back', () => {
  const data = (version: number): SnapshotData => ({ version, organisations: [], settings: {} as SnapshotData['settings'] })
  const catalog = { entries: [] } as unknown as Catalog
  const first = compileSnapshot(data(1_000), catalog)
  const next = compileSnapshot(data(2_000), catalog, first)
  const setBack = compileSnapshot(data(50), catalog, next)
  assert.deepEqual([first.version, next.version, setBack.version], [1_000, 2_000, 2_001])
  assert.equal(compileSnapshot(data(51), catalog, setBack).version, 2_002)
})

test('a deployment goes by the rules of its family of models, declared or not, and others by the vendor’s own', () => {
  const openai = vendors.get('openai')!
  const data: SnapshotData = {
    version: 1, settings: {} as SnapshotData['settings'],
    organisations: [{ ...organisation, providers: [{ id: 'openai', baseUrl: openai.baseUrl!, vendor: openai, socketPath: null, guarded: false, credentials: [] }], aliases: [],
    deployments: [{ id: 'thinker', model: 'thinker', provider: 'openai', upstreamModel: 'o3-mini', price: null, priceAs: null }] }],
  }
  const view = viewOf(compileSnapshot(data, { entries: [], find: () => undefined } as unknown as Catalog), organisation.id)
  const provider = view.providers.get('openai')!
  const ruleOf = (model: string): string => deploymentOf(view, provider, model).provider.vendor.quirks.otherLimit
  assert.deepEqual([ruleOf('gpt-5.1'), ruleOf('gpt-4o'), view.declared.get('thinker')![0]!.provider.vendor.quirks.otherLimit], ['renamed', 'bounds', 'renamed'])
  assert.equal(deploymentOf(view, provider, 'gpt-4o').provider, provider)
})

test('a view has the built-in routing policies, those of its organisation before them, and compiles none anew that did not change', () => {
  const data = (routing: RoutingPolicyData[]): SnapshotData => ({ version: 1, settings: {} as SnapshotData['settings'], organisations: [{ ...organisation, providers: [], aliases: [], deployments: [], routing }] })
  const catalog = { entries: [] } as unknown as Catalog
  const first = compileSnapshot(data([{ ...plainPolicy('cheap', 'cheap'), tolerance: 0.3 }, plainPolicy('ours'), plainPolicy('later')]), catalog)
  const before = viewOf(first, organisation.id).routing
  assert.deepEqual([...before.keys()].sort(), ['balanced', 'best', 'cheap', 'fast', 'later', 'ours'])
  assert.equal(before.get('cheap')!.policy.tolerance, 0.3)
  const after = viewOf(compileSnapshot(data([plainPolicy('ours'), { ...plainPolicy('later'), cost: 1 }]), catalog, first), organisation.id).routing
  assert.equal(after.get('ours'), before.get('ours'))
  assert.deepEqual([after.get('later')!.policy.cost, after.get('cheap')!.policy.tolerance], [1, 0.1])
  assert.equal(viewOf(first, 'org_unknown').routing.size, 4)
})
