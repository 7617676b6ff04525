/** Pages of routing in a browser over invented answers: policies with the server's words at their fields, defaults, what a reader without rights sees. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { violations } from './axe.ts'
import { browserPath, launch, open, settled, until } from './browser.ts'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import { now } from './fake-data.ts'
import { routingPolicyRows } from './fake-routing.ts'

const skip = browserPath === undefined ? 'no Chromium here' : false
let browser: Browser
let api: FakeApi
before(async () => {
  if (!skip) [browser, api] = await Promise.all([launch(), startFakeApi()])
})
after(async () => {
  await browser?.close()
  await api?.close()
})

test('a new policy keeps what was typed when it is refused, and each problem stands at its field', { skip }, async () => {
  const { page, problems, close } = await open(browser, { expected: /status of 422/ })
  const sent: unknown[] = []
  await page.route('**/api/v1/routing/policies', async (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    sent.push(route.request().postDataJSON())
    if (sent.length > 1) return route.fulfill({ status: 201, json: routingPolicyRows[4] })
    const found = [{ field: 'candidates.0.model', message: 'There is no model gpt-5.11. Did you mean gpt-5.1?' }, { field: 'candidates.1.when', message: 'an operand is missing', line: 1, column: 15 }, { field: 'min_quality', message: 'is 7; it must be a number from 0 to 1' }, { field: 'hedge.max_spend', message: 'must be above 0' }]
    await route.fulfill({ status: 422, json: { error: { code: 'invalid_policy', message: 'candidates.0.model: There is no model gpt-5.11. 3 more: see problems.', param: 'candidates.0.model', problems: found, request_id: 'req_fake' } } })
  })
  await page.clock.setFixedTime(now)
  await page.goto(`${api.url}/routing/policies`)
  await settled(page)
  await page.getByRole('button', { name: 'Create policy' }).click()
  await page.waitForURL('**/routing/policies?policy=new+policy')
  await page.getByRole('button', { name: 'Create policy' }).last().click()
  await page.getByText('Give it a name: requests ask for auto:<name>.').waitFor()
  await page.getByLabel('Name').fill('agents')
  await page.getByRole('button', { name: 'These models' }).click()
  await page.getByLabel('Model 1', { exact: true }).fill('gpt-5.11')
  await page.getByRole('button', { name: 'Add model' }).click()
  await page.getByRole('button', { name: 'Add model' }).click()
  await page.getByLabel('Model 3', { exact: true }).fill('mistral-medium-3')
  await page.getByLabel('Effort of model 3').selectOption('high')
  await page.getByRole('button', { name: 'Only when… for model 3' }).click()
  await page.getByRole('textbox', { name: 'Only when for model 3' }).fill('request.hour <')
  await page.getByLabel('Lowest quality').fill('7')
  await page.getByLabel('Highest cost of a request, USD').fill('$0.05')
  await page.getByLabel('Second attempts, share of spend').fill('0')
  await page.getByRole('button', { name: 'Create policy' }).last().click()
  await page.getByText('There is no model gpt-5.11. Did you mean gpt-5.1?').waitFor()
  // The empty line was not sent: the second candidate of the server is the third line of the form.
  await page.getByText('Line 1, column 15: an operand is missing.').waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'Only when for model 3' }).getAttribute('aria-invalid'), 'true')
  await page.getByText('Is 7; it must be a number from 0 to 1.').waitFor()
  assert.equal(await page.getByLabel('Second attempts, share of spend').getAttribute('aria-invalid'), 'true')
  assert.equal(await page.getByLabel('Highest cost of a request, USD').inputValue(), '$0.05')
  assert.deepEqual(await violations(page), [])
  await page.getByLabel('Lowest quality').fill('0.7')
  await page.getByRole('button', { name: 'Create policy' }).last().click()
  await page.waitForURL('**/routing/policies')
  assert.deepEqual(sent[1], {
    name: 'agents', base: 'balanced', candidates: [{ model: 'gpt-5.11', effort: null, when: null }, { model: 'mistral-medium-3', effort: 'high', when: 'request.hour <' }],
    cost: null, latency: null, tolerance: null, margin: null, min_quality: 0.7, max_latency_ms: null, explore_share: null, explore_spend: null, sticky: null, max_cost_usd: '0.05', hedge: { max_spend: 0 }, cache: null,
  })
  assert.deepEqual(problems(), [])
  await close()
})

test('a policy that somebody else changed shows both versions, and what was emptied is the base’s again', { skip }, async () => {
  const { page, close } = await open(browser, { expected: /status of 412/ })
  const versions: (string | undefined)[] = []
  let body: Record<string, unknown> = {}
  await page.route('**/api/v1/routing/policies/agents', async (route) => {
    versions.push(route.request().headers()['if-match'])
    body = route.request().postDataJSON() as Record<string, unknown>
    const current = { ...routingPolicyRows[4], tolerance: 0.08, version: 5 }
    if (versions.length === 1) return route.fulfill({ status: 412, json: { error: { code: 'version_conflict', message: 'It was changed.', request_id: 'req_fake' }, current } })
    await route.fulfill({ status: 200, json: { ...current, ...body, version: 6 } })
  })
  await page.clock.setFixedTime(now)
  await page.goto(`${api.url}/routing/policies?policy=agents`)
  await settled(page)
  await page.getByLabel('Lowest quality').fill('')
  await page.getByRole('button', { name: 'Save policy' }).click()
  const conflict = page.getByRole('alert').filter({ hasText: 'agents was changed meanwhile' })
  assert.match(await conflict.innerText(), /Tolerance\s+0\.05\s+0\.08/)
  await conflict.getByRole('button', { name: 'Keep mine' }).click()
  await page.getByRole('button', { name: 'Saved' }).waitFor()
  assert.deepEqual(versions, ['"4"', '"5"'])
  assert.equal(body['min_quality'], null)
  assert.equal(body['tolerance'], 0.05)
  assert.equal('name' in body, false)
  await close()
})

test('what the file declares, what is built in and what one may not write can be read, not changed', { skip }, async (t) => {
  const session = (await (await fetch(`${api.url}/api/v1/session`)).json()) as { permissions: string[] }
  const fake = await startFakeApi({ '/session': { status: 200, body: { ...session, permissions: session.permissions.filter((each) => each !== 'routing:write') } } })
  t.after(() => fake.close())
  const { page, problems, close } = await open(browser)
  await page.clock.setFixedTime(now)
  for (const [url, name, isDeclared] of [[api.url, 'support-chat', true], [api.url, 'balanced', false], [fake.url, 'agents', false]] as const) {
    await page.goto(`${url}/routing/policies?policy=${name}`)
    await settled(page)
    assert.equal(await page.getByLabel('Lowest quality').isDisabled(), true, name)
    assert.equal(await page.getByRole('button', { name: /Save|Delete/ }).count(), 0, name)
    assert.equal(await page.getByText('Declared in megarouter.yaml').count(), isDeclared ? 1 : 0, name)
    assert.deepEqual(await violations(page), [], name)
  }
  await page.goto(`${fake.url}/routing`)
  await settled(page)
  assert.equal(await page.getByRole('button', { name: 'Create alias' }).count(), 0)
  assert.deepEqual(problems(), [])
  await close()
})

test('a team’s routing policy is saved with all else that it sets, and a key’s with the key', { skip }, async () => {
  const { page, close } = await open(browser)
  const aliases = [{ name: 'fast', strategy: 'ordered', targets: [{ model: 'gpt-5-mini', weight: 1 }] }]
  let body: unknown
  await page.route('**/api/v1/teams/team_1/defaults', async (route) => {
    const before = { node_id: 'team_1', model: null, fallbacks: ['mistral-medium-3'], policy: null, aliases, providers_off: ['groq'], version: 3 }
    if (route.request().method() === 'GET') return route.fulfill({ status: 200, json: before })
    body = route.request().postDataJSON()
    assert.equal(route.request().headers()['if-match'], '"3"')
    await route.fulfill({ status: 200, json: { ...before, ...(body as object), version: 4 } })
  })
  await page.clock.setFixedTime(now)
  await page.goto(`${api.url}/teams?team=team_1`)
  await settled(page)
  const part = page.getByRole('region', { name: 'What it sets for those below' })
  await part.getByLabel('Routing policy').selectOption('agents')
  await part.getByRole('button', { name: 'Save defaults' }).click()
  await part.getByRole('button', { name: 'Saved' }).waitFor()
  assert.deepEqual(body, { policy: 'agents', model: null, fallbacks: ['mistral-medium-3'], aliases, providers_off: ['groq'] })
  await page.goto(`${api.url}/keys?key=key_01`)
  await settled(page)
  const saved = page.waitForRequest((request) => request.method() === 'PATCH')
  await page.getByLabel('Routing policy').selectOption('support-chat')
  await page.getByRole('button', { name: 'Save changes' }).click()
  assert.equal(((await saved).postDataJSON() as { routing_policy: string }).routing_policy, 'support-chat')
  await until(async () => (await page.getByRole('button', { name: 'Saving…' }).count()) === 0, 'it is saved')
  await close()
})
