import assert from 'node:assert/strict'
import test from 'node:test'
import { resolveDefaults, type NodeDefaults } from './node-defaults.ts'

const node = (nodeId: string, set: Partial<NodeDefaults>): NodeDefaults => ({ nodeId, model: null, fallbacks: null, policy: null, aliases: [], credentials: [], ...set })
const fast = (model: string) => ({ name: 'fast', strategy: 'ordered' as const, targets: [{ model, weight: 1 }] })

test('the nearest node that sets a thing wins, each thing by itself, and it is said which node', () => {
  const { model, fallbacks, policy, aliases, credentials } = resolveDefaults([
    node('org_1', { model: 'gpt-5.1', policy: 'best', aliases: [fast('a'), { ...fast('z'), name: 'best' }], credentials: [{ provider: 'openai', credentialIds: ['cred_1'] }, { provider: 'xai', credentialIds: ['cred_2'] }] }),
    node('team_1', { policy: 'cheap', aliases: [fast('b')], credentials: [{ provider: 'openai', credentialIds: ['cred_3', 'cred_4'] }] }),
    node('proj_1', { aliases: [fast('c')], fallbacks: ['small'] }),
  ])
  assert.deepEqual(fallbacks, { value: ['small'], nodeId: 'proj_1' })
  assert.deepEqual(policy, { value: 'cheap', nodeId: 'team_1' })
  assert.deepEqual(model, { value: 'gpt-5.1', nodeId: 'org_1' })
  assert.deepEqual([aliases.get('fast')!.nodeId, aliases.get('best')!.nodeId], ['proj_1', 'org_1'])
  assert.deepEqual([credentials.get('openai'), credentials.get('xai')!.nodeId], [{ value: ['cred_3', 'cred_4'], nodeId: 'team_1' }, 'org_1'])
})

test('credentials of a node are never mixed with those above, also where there are none', () => {
  const { credentials } = resolveDefaults([node('org_1', { credentials: [{ provider: 'openai', credentialIds: ['cred_1'] }] }), node('team_1', { credentials: [{ provider: 'openai', credentialIds: [] }] })])
  assert.deepEqual(credentials.get('openai'), { value: [], nodeId: 'team_1' })
  assert.equal(credentials.get('groq'), undefined)
})

test('nodes that set nothing change nothing', () => {
  const set = node('org_1', { model: 'm' })
  assert.deepEqual(resolveDefaults([set, node('team_1', {})]), resolveDefaults([set]))
  assert.equal(resolveDefaults([]).model, null)
})
