/** What teams, projects, users and service accounts decide about the requests of their keys, through the real gateway. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noRateLimit } from '../../src/gateway/snapshot.ts'
import { chat, providerAt, startRig, type Rig } from './harness.ts'
import { budget, limit, membership, person, policy, project, team } from './rows.ts'

const as = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })
const errorOf = (text: string): { code: string; message: string } => (JSON.parse(text) as { error: { code: string; message: string } }).error
const listed = async (rig: Rig, key: string): Promise<string[]> => {
  const response = await fetch(`${rig.url}/v1/models`, { headers: as(key) })
  return ((await response.json()) as { data: { id: string; owned_by: string }[] }).data.filter(({ owned_by: owner }) => owner !== 'megarouter').map(({ id }) => id)
}

test('a policy by region, retention and open weights goes by what the operator states of a deployment, and by nothing where he states nothing', async () => {
  const rig = await startRig()
  rig.publish((organisation) => {
    const facts = { inside: { region: 'de', retentionDays: 0, openWeights: true }, outside: { region: 'us', retentionDays: 0, openWeights: true }, kept: { region: 'eu', retentionDays: 31, openWeights: true }, closed: { region: 'eu', retentionDays: 0, openWeights: false }, unsaid: null }
    for (const [name, stated] of Object.entries(facts)) organisation.deployments.push({ id: `up/${name}`, model: name, provider: 'up', upstreamModel: 'echo-3', price: null, priceAs: null, facts: stated })
  })
  rig.govern(policy('pol_1', 'org', 'org_test', [{ effect: 'allow', class: { regions: ['eu'], retention: '30 days', openWeights: true } }]))
  assert.deepEqual(await listed(rig, rig.key), ['inside'])
  assert.equal((await chat(rig, { model: 'inside' })).status, 200)
  const reasons = { outside: /processed in us/, kept: /kept for 31 days/, closed: /weights are not open/, unsaid: /region is not known/ }
  for (const [model, reason] of Object.entries(reasons)) {
    const refused = await chat(rig, { model })
    assert.equal(refused.status, 403, model)
    assert.match(errorOf(refused.text).message, reason)
  }
})

test('every node above a key must allow a model; the refusal names node, rule and what remains', async () => {
  const rig = await startRig()
  rig.publish((organisation) => {
    for (const name of ['small', 'large']) organisation.deployments.push({ id: `up/${name}`, model: name, provider: 'up', upstreamModel: 'echo-3', price: null, priceAs: null })
  })
  rig.govern(team('team_search'), project('proj_index', 'team_search'), policy('pol_1', 'org', 'org_test', [{ effect: 'deny', models: ['priced'] }]), policy('pol_2', 'team', 'team_search', [{ effect: 'allow', models: ['small', 'priced'], note: 'Ask in #search' }]))
  const inside = rig.addKey({ node: 'proj_index' }).text
  assert.equal((await chat(rig, { model: 'small' }, as(inside))).status, 200)
  const large = await chat(rig, { model: 'large' }, as(inside))
  assert.equal(large.status, 403, large.text)
  const { code, message } = errorOf(large.text)
  assert.equal(code, 'policy_denied')
  assert.match(message, /^Team search does not allow large \(up\/large\): no rule of its policy allows it; rule 1 allows small, priced \("Ask in #search"\).*Allowed instead: up\/small\./)
  assert.match(errorOf((await chat(rig, { model: 'priced' }, as(inside))).text).message, /^Organisation Test does not allow priced: rule 1 of its policy denies priced/)
  assert.deepEqual(await listed(rig, inside), ['small'])
  assert.equal((await chat(rig, { model: 'large' })).status, 200, 'a key outside of the team may use it')
  assert.deepEqual((await listed(rig, rig.key)).toSorted(), ['large', 'small'])
})

test('a policy applies to the next request once it changes, is disabled, or the team is renamed', async () => {
  const rig = await startRig()
  const key = rig.addKey({ node: 'team_a' }).text
  rig.govern(team('team_a'), policy('pol_1', 'team', 'team_a', [{ effect: 'deny', models: ['*'] }]))
  assert.match(errorOf((await chat(rig, {}, as(key))).text).message, /^Team a does not/)
  rig.govern(team('team_a', { name: 'B' }))
  assert.match(errorOf((await chat(rig, {}, as(key))).text).message, /^Team B does not/)
  rig.govern(policy('pol_1', 'team', 'team_a', [{ effect: 'deny', models: ['*'] }], { enabled: false }))
  assert.equal((await chat(rig, {}, as(key))).status, 200)
})

test('conditions see who asks and what for: roles, tags of key and request, tools, the team', async () => {
  const rig = await startRig()
  rig.govern(team('team_a'), person('usr_ada'), membership('usr_ada', 'team_a', 'team_lead'), policy('pol_1', 'org', 'org_test', [
    { effect: 'deny', when: 'request.has_tools' },
    { effect: 'allow', when: '"team_lead" in principal.roles && principal.team_path == "/a"' },
    { effect: 'allow', when: '"env:test" in request.tags' },
  ]))
  const lead = rig.addKey({ node: 'team_a', user: 'usr_ada' }).text
  assert.equal((await chat(rig, {}, as(lead))).status, 200)
  assert.equal((await chat(rig, { tools: [{ type: 'function', function: { name: 'f' } }] }, as(lead))).status, 403)
  assert.equal((await chat(rig, {})).status, 403)
  assert.equal((await chat(rig, { megarouter: { tags: ['env:test'] } })).status, 200)
  const tagged = rig.addKey({ tags: ['env:test'] }).text
  assert.equal((await chat(rig, { megarouter: { tags: ['other'] } }, as(tagged))).status, 200)
  assert.deepEqual((await rig.recorded(5))[4]!.tags, ['env:test', 'other'])
})

test('a refusal names whom to ask: of a team whoever manages what is above it, of a key whoever manages its place', async () => {
  const rig = await startRig()
  rig.govern(team('team_a'), team('team_b', { parent: 'team_a' }), project('proj_c', 'team_b'))
  const key = rig.addKey({ node: 'proj_c', rateLimit: { ...noRateLimit, rpm: 1 } }).text
  const asked = async (): Promise<string> => errorOf((await chat(rig, {}, as(key))).text).message
  assert.equal((await chat(rig, {}, as(key))).status, 200)
  assert.match(await asked(), /^Key test has reached .* A lead of project c or an admin of Test can raise it\. /)
  rig.govern(limit('lim_1', 'project', 'proj_c', { tpm: 1 }))
  assert.match(await asked(), /^This request needs .*\(limit lim_1\).* ask a lead of team b or an admin of Test to raise/)
  rig.govern(limit('lim_1', 'project', 'proj_c', {}, { enabled: false }), policy('pol_1', 'team', 'team_b', [{ effect: 'deny', models: ['*'] }], { name: 'Nothing' }))
  const other = rig.addKey({ node: 'team_b' }).text
  assert.match(errorOf((await chat(rig, {}, as(other))).text).message, /rule 1 of its policy "Nothing" denies \*\..* A lead of team a or an admin of Test can change that\. /)
  rig.govern(policy('pol_1', 'team', 'team_b', [], { enabled: false }), budget('bud_1', 'team', 'team_a', 1))
  assert.match(errorOf((await chat(rig, { model: 'priced' }, as(other))).text).message, /or ask an admin of Test to raise the budget\. /)
})

test('a policy that cannot be read allows nothing, and the log says which', async () => {
  const rig = await startRig()
  rig.govern(policy('pol_bad', 'org', 'org_test', [{ effect: 'allow', when: 'principal.nonsense == 1' }]))
  assert.equal((await chat(rig, {})).status, 403)
  assert.match(rig.warnings[0]!, /^The policy {2}?.*\(pol_bad\) of organisation Test cannot be read/)
})

test('limits of every node above a key, of its user and of models are all kept or nothing is taken', async () => {
  const rig = await startRig()
  rig.govern(team('team_a'), limit('lim_1', 'team', 'team_a', { rpm: 3 }), limit('lim_2', 'user', 'usr_ada', { rpm: 2 }), limit('lim_3', 'org', 'org_test', { rpm: 1 }, { models: 'up/echo-7' }))
  const ada = rig.addKey({ node: 'team_a', user: 'usr_ada' }).text
  const other = rig.addKey({ node: 'team_a' }).text
  const seven = { model: 'up/echo-7' }
  assert.equal((await chat(rig, seven, as(ada))).status, 200)
  const refused = await chat(rig, seven, as(other))
  assert.equal(refused.status, 429)
  assert.match(errorOf(refused.text).message, /^Organisation Test has reached its limit of 1 request per minute for up\/echo-7 \(limit lim_3\)\./)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await chat(rig, {}, as(ada))).status, 200, 'the request that the model refused took nothing from the team')
  assert.match(errorOf((await chat(rig, {}, as(ada))).text).message, /^User usr_ada has reached its limit of 2/)
  assert.equal((await chat(rig, {}, as(other))).status, 200, 'nor did the one that the user refused')
  assert.match(errorOf((await chat(rig, {}, as(other))).text).message, /^Team a has reached its limit of 3/)
})

test('a model without room is passed over for the next one, and a limit on requests at once is freed with the request', async () => {
  const rig = await startRig({ providers: (upstream) => [providerAt('two', upstream.url)] })
  rig.govern(limit('lim_1', 'org', 'org_test', { rpm: 1 }, { models: 'up/*' }), limit('lim_2', 'vendor', 'two', { concurrency: 1 }))
  const body = { megarouter: { fallbacks: ['two/echo-5'] } }
  for (const [index, provider] of ['up', 'two', 'two'].entries()) {
    const { headers, text } = await chat(rig, body)
    assert.equal(headers.get('x-megarouter-provider'), provider, text)
    await rig.recorded(index + 1)
  }
})

test('limits of tags and end users are theirs alone, wherever the client names the end user', async () => {
  const rig = await startRig()
  rig.govern(limit('lim_1', 'tag', 'batch', { rpm: 1 }), limit('lim_2', 'end_user', 'eve', { rpm: 1 }))
  const tagged = { megarouter: { tags: ['batch'] } }
  assert.deepEqual([(await chat(rig, tagged)).status, (await chat(rig, tagged)).status, (await chat(rig, {})).status], [200, 429, 200])
  assert.equal((await chat(rig, { user: 'eve' })).status, 200)
  for (const body of [{ user: 'eve' }, { safety_identifier: 'eve' }, { metadata: { user_id: 'eve' } }]) assert.match(errorOf((await chat(rig, body)).text).message, /^End user eve has reached/)
  assert.equal((await chat(rig, { user: 'bob' })).status, 200)
})

test('a node gives its keys a default model, fallbacks and aliases; the nearest wins and outside nobody has them', async () => {
  const rig = await startRig({ aliases: [{ name: 'fast', strategy: 'ordered', targets: [{ model: 'up/echo-1', weight: 1 }] }] })
  const alias = (model: string) => [{ name: 'fast', strategy: 'ordered' as const, targets: [{ model, weight: 1 }] }]
  rig.govern(team('team_a', { defaults: { model: 'up/echo-2', aliases: alias('up/echo-3') } }), project('proj_b', 'team_a', { defaults: { aliases: alias('up/echo-4'), fallbacks: ['up/echo-9'] } }))
  const inTeam = rig.addKey({ node: 'team_a' }).text
  const inProject = rig.addKey({ node: 'proj_b' }).text
  const served = async (model: string | undefined, headers: Record<string, string>): Promise<string | null> => (await chat(rig, { model }, headers)).headers.get('x-megarouter-model')
  assert.deepEqual([await served('fast', {}), await served('fast', as(inTeam)), await served('fast', as(inProject))], ['echo-1', 'echo-3', 'echo-4'])
  assert.deepEqual([await served(undefined, as(inTeam)), await served('default', as(inProject))], ['echo-2', 'echo-2'])
  assert.equal((await chat(rig, { model: undefined })).status, 400)
  assert.equal((await chat(rig, { model: 'default' })).status, 404)
  const routed = await chat(rig, { model: 'fast' }, as(inProject))
  assert.equal(routed.headers.get('x-megarouter-route'), 'alias+fallbacks')
  assert.ok((await listed(rig, inTeam)).includes('fast'))
})

test('credentials of a node are used for its keys alone and before all others; an off provider is off', async () => {
  const rig = await startRig()
  rig.publish((organisation) => organisation.providers[0]!.credentials.push({ id: 'own', secret: 'sk-own', last4: '-own', node: 'team_a' }))
  rig.govern(team('team_a'), project('proj_b', 'team_a'), team('team_c'), team('team_off', { defaults: { providersOff: ['up'] } }))
  const used = async (node: string | null): Promise<string | undefined> => {
    const { status } = await chat(rig, {}, as(rig.addKey({ node }).text))
    assert.equal(status, 200)
    return rig.upstream.log.at(-1)!.headers['authorization'] as string
  }
  assert.deepEqual([await used('team_a'), await used('proj_b'), await used('team_c'), await used(null)], ['Bearer sk-own', 'Bearer sk-own', 'Bearer sk-test-secret', 'Bearer sk-test-secret'])
  const off = await chat(rig, {}, as(rig.addKey({ node: 'team_off' }).text))
  assert.equal(off.status, 400)
  assert.match(errorOf(off.text).message, /has no credential at Vendor up/)
  rig.publish((organisation) => { organisation.providers[0]!.credentials = [{ id: 'own', secret: 'sk-own', last4: '-own', node: 'team_a' }] })
  assert.equal(await used('team_a'), 'Bearer sk-own')
  assert.equal((await chat(rig, {})).status, 400, 'a provider with credentials of a node only is for nobody else')
})

test('a key is served from its networks only', async () => {
  const rig = await startRig()
  const elsewhere = await chat(rig, {}, as(rig.addKey({ ipAllow: ['10.0.0.0/8', '2001:db8::/32'] }).text))
  assert.equal(elsewhere.status, 403)
  assert.equal(errorOf(elsewhere.text).code, 'address_not_allowed')
  assert.match(errorOf(elsewhere.text).message, /may not be used from 127\.0\.0\.1/)
  assert.equal((await chat(rig, {}, as(rig.addKey({ ipAllow: ['127.0.0.0/8'] }).text))).status, 200)
})

test('after a rotation both secrets work until the former ends; the one before it ends at once', async () => {
  const rig = await startRig()
  const [first, second, third] = [rig.addKey(), rig.addKey(), rig.addKey()]
  const rotate = (to: typeof second, from: typeof second, version: number, untilMs: number): boolean =>
    rig.gateway.keys.replace({ ...first.entry, hash: to.entry.hash, version, previous: { hash: from.entry.hash, untilMs } })
  const codes = async (): Promise<string[]> => {
    const all = [first, second, third].map(async ({ text }) => {
      const { status, text: body } = await chat(rig, {}, as(text))
      return status === 200 ? 'ok' : errorOf(body).code
    })
    return Promise.all(all)
  }
  rotate(second, first, 2, Date.now() + 60_000)
  assert.deepEqual((await codes()).slice(0, 2), ['ok', 'ok'])
  assert.equal(rig.gateway.keys.get(first.entry.id)!.version, 2)
  rotate(third, second, 3, Date.now() + 60_000)
  assert.deepEqual(await codes(), ['key_revoked', 'ok', 'ok'])
  rotate(third, second, 4, Date.now() - 1)
  assert.deepEqual(await codes(), ['key_revoked', 'key_expired', 'ok'])
})

test('a key stops with its user, service account, team or organisation, and what runs for it is cut', async () => {
  const rig = await startRig()
  rig.govern(person('usr_ada'), person('sa_ci'), team('team_a'))
  const keys = { user: rig.addKey({ user: 'usr_ada' }).text, account: rig.addKey({ serviceAccount: 'sa_ci' }).text, team: rig.addKey({ node: 'team_a' }).text }
  const running = Object.values(keys).map((key) => chat(rig, { model: 'up/echo-50+stall@2000:5000', stream: true }, as(key)))
  const untouched = chat(rig, { model: 'up/echo-50+stall@2000:300', stream: true })
  while (rig.upstream.log.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
  rig.govern(person('usr_ada', { isActive: false }), person('sa_ci', { deleted: true }), team('team_a', { deleted: true }))
  for (const each of running) assert.match((await each).text, /key_disabled/)
  assert.match((await untouched).text, /\[DONE\]/)
  const refusals = await Promise.all(Object.values(keys).map(async (key) => errorOf((await chat(rig, {}, as(key))).text)))
  assert.deepEqual(refusals.map(({ code }) => code), ['key_disabled', 'key_disabled', 'key_disabled'])
  for (const [index, words] of [/user ada, whose key it is, was switched off/, /service account ci, whose key it is, was deleted/, /team or project that it belonged to was deleted/].entries()) assert.match(refusals[index]!.message, words)
  rig.govern(person('usr_ada'))
  assert.equal((await chat(rig, {}, as(keys.user))).status, 200)
  rig.publish((organisation) => { organisation.isSuspended = true })
  assert.match(errorOf((await chat(rig, {})).text).message, /organisation Test is suspended/)
})

test('requests are recorded with team, project, user and service account of the place of their key', async () => {
  const rig = await startRig()
  rig.govern(team('team_a'), team('team_b', { parent: 'team_a' }), project('proj_c', 'team_b'), person('sa_ci'))
  await chat(rig, {}, as(rig.addKey({ node: 'proj_c', serviceAccount: 'sa_ci' }).text))
  const [{ team: inTeam, project: inProject, user, serviceAccount }] = await rig.recorded(1) as [Awaited<ReturnType<Rig['recorded']>>[number]]
  assert.deepEqual({ inTeam, inProject, user, serviceAccount }, { inTeam: 'team_b', inProject: 'proj_c', user: null, serviceAccount: 'sa_ci' })
})

test('an older row never takes the place of a newer one, and organisations never see each other', async () => {
  const rig = await startRig()
  const before = policy('pol_1', 'org', 'org_test', [])
  rig.govern(policy('pol_1', 'org', 'org_test', [{ effect: 'deny', models: ['*'] }]))
  rig.govern(before, { ...policy('pol_2', 'org', 'org_test', [{ effect: 'allow', models: ['*'] }]), org: 'org_other' })
  assert.equal((await chat(rig, {})).status, 403)
})

test('when all places are in use an interactive request waits for one, others are refused with the time to wait', async () => {
  const rig = await startRig({ places: 1 })
  const interactive = rig.addKey({ priority: 'interactive' }).text
  const running = chat(rig, { model: 'up/echo-9+stall@300:150', stream: true })
  while (rig.upstream.log.length < 1) await new Promise((resolve) => setTimeout(resolve, 2))
  const standard = await chat(rig, {})
  assert.equal(standard.status, 503)
  assert.equal(errorOf(standard.text).code, 'overloaded')
  assert.match(errorOf(standard.text).message, /Requests of priority standard are not taken for now: all 1 places/)
  assert.ok(Number(standard.headers.get('retry-after')) >= 5)
  assert.equal((await chat(rig, {}, as(interactive))).status, 200, 'it had to wait for the one that ran')
  assert.match((await running).text, /\[DONE\]/)
  const long = chat(rig, { model: 'up/echo-9+stall@300:1200', stream: true })
  while (rig.upstream.log.length < 3) await new Promise((resolve) => setTimeout(resolve, 2))
  assert.equal((await chat(rig, {}, as(interactive))).status, 503, 'and no longer than the bound')
  assert.equal(rig.gateway.shedding.waited.timedOut, 1)
  await long
  await rig.recorded(5)
  assert.equal(rig.gateway.shedding.running, 0)
})

test('short of memory, batch is shed before standard and standard before interactive', async () => {
  const rig = await startRig()
  const keys = (['interactive', 'standard', 'batch'] as const).map((priority) => rig.addKey({ priority }).text)
  const statuses = async (memory: number): Promise<number[]> => {
    rig.load.memory = memory
    const all: number[] = []
    for (const key of keys) all.push((await chat(rig, {}, as(key))).status)
    return all
  }
  assert.deepEqual([await statuses(0.8), await statuses(0.975), await statuses(0.999)], [[200, 200, 200], [200, 200, 503], [200, 503, 503]])
})
