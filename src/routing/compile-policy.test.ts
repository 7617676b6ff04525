import assert from 'node:assert/strict'
import test from 'node:test'
import { PrincipalVariable, RequestVariable, type Facts } from '../governance/conditions.ts'
import { builtInCompiled, compilePolicy, isTaken, type CompiledPolicy, type PolicyProblem } from './compile-policy.ts'
import { builtInPolicies } from './policy.ts'
import { plainPolicy, policyLimits, type PolicyCandidate, type RoutingPolicyData } from './policy-data.ts'

const data = (own: Partial<RoutingPolicyData>): RoutingPolicyData => ({ ...plainPolicy('ours'), ...own })
const candidate = (own: Partial<PolicyCandidate> = {}): PolicyCandidate => ({ model: 'gpt-5.1', effort: null, when: null, ...own })
function compiled(own: Partial<RoutingPolicyData>, known?: CompiledPolicy): CompiledPolicy {
  const policy = compilePolicy(data(own), known)
  assert.ok(!Array.isArray(policy), JSON.stringify(policy))
  return policy
}
function problems(own: Partial<RoutingPolicyData>): PolicyProblem[] {
  const found = compilePolicy(data(own))
  assert.ok(Array.isArray(found))
  return found
}
const facts = (inputTokens: number | null): Facts => ({
  principal: new PrincipalVariable({ org: 'org_1', teams: ['team_1'], teamPath: '/search', project: '', user: '', serviceAccount: '', key: 'key_1', roles: [] }),
  request: new RequestVariable({ tags: ['batch'], session: '', endpoint: 'chat', stream: false, hasTools: false, hasImages: null, hasJson: null, inputTokens, maxOutputTokens: null, hour: 3, weekday: 7 }),
  model: null,
})

test('what a policy leaves out it takes from its base, and what it says goes before', () => {
  const { policy, candidates, hedge, cache } = compiled({ base: 'cheap', tolerance: 0.2, minQuality: 0.7, maxCostNano: 5_000_000, sticky: false, hedge: { maxSpend: 0.05 }, cache: { ttlS: 60 } })
  assert.deepEqual(policy, { ...builtInPolicies.cheap, name: 'ours', tolerance: 0.2, minQuality: 0.7, maxCostNano: 5_000_000, sticky: false })
  assert.deepEqual([candidates, hedge, cache], [null, { maxSpend: 0.05 }, { ttlS: 60 }])
})

test('a candidate is taken when its condition holds, and never when it cannot be decided', () => {
  const [long, always, byTag] = compiled({ candidates: [candidate({ when: 'request.input_tokens > 1000' }), candidate({ effort: 'high' }), candidate({ model: 'o4', when: '"batch" in request.tags && principal.team_path.startsWith("/search")' })] }).candidates!
  assert.deepEqual([isTaken(long!, facts(2000)), isTaken(long!, facts(10)), isTaken(long!, facts(null))], [true, false, false])
  assert.deepEqual([isTaken(always!, facts(null)), isTaken(byTag!, facts(null))], [true, true])
})

test('everything that is wrong is told at once, with its field and the place in a condition', () => {
  const found = problems({
    cost: 11, tolerance: 0.1, minQuality: -1, exploreShare: 0.06, hedge: { maxSpend: 0 }, cache: { ttlS: 1.5 },
    candidates: [candidate({ when: 'request.input_tokens >\n  size(' }), candidate({ when: 'request.tagz == []' }), candidate({ when: 'model.id == "x"' }), candidate(), candidate(), candidate({ effort: 'extreme' as never })],
  })
  assert.deepEqual(found.map(({ field }) => field), ['cost', 'minQuality', 'exploreShare', 'tolerance', 'hedge.maxSpend', 'cache.ttlS', 'candidates.0.when', 'candidates.1.when', 'candidates.2.when', 'candidates.4', 'candidates.5.effort'])
  const [first, second, third] = found.filter(({ field }) => field.endsWith('when'))
  assert.equal(first!.line, 2)
  assert.match(second!.error, /Did you mean request\.tags\?/)
  assert.match(third!.error, /no variable model\. Variables are principal, request/)
})

test('a policy without candidates, with too many, or with too many conditions is refused', () => {
  const many = (count: number, when: (index: number) => string | null) => Array.from({ length: count }, (_, index) => candidate({ model: `m${index}`, when: when(index) }))
  assert.match(problems({ candidates: [] })[0]!.error, /is empty/)
  assert.match(problems({ candidates: many(policyLimits.candidates + 1, () => null) })[0]!.error, /at most 200/)
  assert.match(problems({ candidates: many(policyLimits.conditions + 1, () => 'request.stream') })[0]!.error, /21 conditions/)
  assert.equal(compiled({ candidates: many(policyLimits.candidates, (index) => (index < policyLimits.conditions ? 'request.stream' : null)) }).candidates!.length, policyLimits.candidates)
})

test('the version changes with each thing that the policy says, and equal policies have the same', () => {
  const ways: Partial<RoutingPolicyData>[] = [{}, { base: 'best' }, { name: 'theirs' }, { cost: 1 }, { sticky: false }, { cache: { ttlS: 5 } }, { hedge: { maxSpend: 0.1 } }, { candidates: [candidate()] }, { candidates: [candidate({ effort: 'low' })] }, { candidates: [candidate({ when: 'request.stream' })] }]
  const versions = ways.map((own) => compiled(own).version)
  assert.equal(new Set(versions).size, ways.length)
  assert.deepEqual(ways.map((own) => compiled(own).version), versions)
  const known = compiled({ cost: 1 })
  assert.equal(compiled({ cost: 1 }, known), known)
  assert.notEqual(compiled({ cost: 2 }, known), known)
})

test('the built-in policies compile to themselves', () => {
  assert.deepEqual([...builtInCompiled].map(([name, { policy }]) => [name, policy]), Object.entries(builtInPolicies))
})
