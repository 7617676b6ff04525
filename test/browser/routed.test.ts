/** Pages of what the router did and knows, in a browser over invented answers: preview of a policy, decisions and their requests, models, savings, explain. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { violations } from './axe.ts'
import { browserPath, launch, open, settled, until } from './browser.ts'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import { now, requestRow } from './fake-data.ts'
import { decisionIds, noSavings, previewOfPolicy, refusedPrompt } from './fake-routing.ts'

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
const visit = async (page: Page, url: string): Promise<void> => {
  await page.clock.setFixedTime(now)
  await page.goto(url)
  await settled(page)
}

test('a policy is previewed as it is typed, on its own decisions or all, and a change takes the preview away', { skip }, async () => {
  const { page, problems, close } = await open(browser, { expected: /status of 422/ })
  const asked: { of: string | null; body: Record<string, unknown> }[] = []
  await page.route('**/api/v1/routing/policies/preview*', async (route) => {
    asked.push({ of: new URL(route.request().url()).searchParams.get('policy'), body: route.request().postDataJSON() as Record<string, unknown> })
    if (asked.length === 2) return route.fulfill({ status: 422, json: { error: { code: 'invalid_policy', message: 'cost: is 70.', param: 'cost', problems: [{ field: 'cost', message: 'is 70; it must be a number from 0 to 10' }], request_id: 'req_fake' } } })
    await route.fulfill({ status: 200, json: previewOfPolicy })
  })
  await visit(page, `${api.url}/routing/policies?policy=agents`)
  await page.getByLabel('Tolerance').fill('0.1')
  await page.getByRole('button', { name: 'Preview on last week' }).click()
  const preview = page.getByRole('status', { name: 'Preview' })
  await preview.getByText('1,204 of 7,050 decisions would have got another model (17.1 %).').waitFor()
  assert.match(await preview.innerText(), /Cost\s+\$231\.40\s+\$198\.20\s+−14\.3 %[\s\S]*Quality\s+0\.85\s+0\.84\s+−0\.7 pt[\s\S]*gpt-5-mini\s+1,850 → 2,650[\s\S]*210 where something was tried out, 40 where no recorded candidate fits[\s\S]*gpt-5\.1@low[\s\S]*what another model would have answered is not known/)
  assert.deepEqual(await violations(page), [])
  await page.getByLabel('Cost', { exact: true }).fill('70')
  assert.equal(await preview.count(), 0)
  await page.getByRole('dialog').getByRole('combobox', { name: /Decisions of/ }).selectOption('')
  await page.getByRole('button', { name: 'Preview on last week' }).click()
  await page.getByText('Is 70; it must be a number from 0 to 10.').waitFor()
  assert.equal(await page.getByLabel('Tolerance').inputValue(), '0.1')
  assert.deepEqual(asked.map(({ of, body }) => [of, body['name'], body['tolerance'], body['cost']]), [['agents', 'agents', 0.1, null], [null, 'agents', 0.1, 70]])
  assert.deepEqual(problems(), [])
  await close()
})

test('filters of decisions live in the address; a decision leads to its request and back, with all candidates', { skip }, async () => {
  const { page, problems, close } = await open(browser)
  await visit(page, `${api.url}/routing/decisions`)
  assert.match(await page.getByRole('row', { name: /gpt-5\.1@high/ }).innerText(), /mistral-medium-3 → gpt-5\.1@high/)
  await page.getByLabel('Policy').selectOption('agents')
  await page.waitForURL('**/routing/decisions?policy=agents')
  await until(async () => (await page.getByRole('row').count()) === 9, 'those of one policy')
  const sent = page.waitForRequest((request) => request.url().includes('from='))
  await page.getByLabel('From').fill('2026-11-18')
  assert.equal(new URL((await sent).url()).searchParams.get('from'), '2026-11-17T23:00:00.000Z')
  await page.goBack()
  const routed = decisionIds.findIndex((_, index) => requestRow(index, now).model_asked === 'fast' && requestRow(index, now).outcome === 'success')
  await visit(page, `${api.url}/requests/${decisionIds[routed]}`)
  const panel = page.getByRole('region', { name: 'Routing decision' })
  assert.equal(await panel.getByRole('row').count(), 5)
  await panel.getByRole('link', { name: 'All that it was made from' }).click()
  await page.waitForURL(`**/routing/decisions/${decisionIds[routed]}`)
  await settled(page)
  const chosen = page.getByRole('row', { name: /Chosen/ })
  assert.match(await chosen.innerText(), /mistral-medium-3[\s\S]*0\.84 ± 0\.02[\s\S]*\$0\.0031\s+−0\.025[\s\S]*4\.20 s\s+−0\.009[\s\S]*0\.806/)
  assert.equal(await page.getByRole('row', { name: /Baseline/ }).count(), 1)
  await page.getByText('not allowed by a model policy').click()
  await page.getByText('deepseek-v3.2, deepseek-r1').waitFor()
  assert.deepEqual(await violations(page), [])
  await page.getByRole('link', { name: 'Its request' }).click()
  await page.waitForURL(`**/requests/${decisionIds[routed]}`)
  assert.deepEqual(problems(), [])
  await close()
})

test('a model is approved, rejected and reset only after a question that says what follows', { skip }, async (t) => {
  const { page, problems, close } = await open(browser)
  const sent: string[] = []
  await page.route('**/api/v1/routing/models/**', async (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    sent.push(`${new URL(route.request().url()).pathname.replace('/api/v1/routing/models/', '')} ${route.request().postData() ?? ''}`)
    await route.fulfill({ status: 200, json: { reset: 1 } })
  })
  await visit(page, `${api.url}/routing/models`)
  const waiting = page.getByRole('region', { name: 'Waiting for approval' })
  await waiting.getByRole('button', { name: 'Approve…' }).click()
  await page.getByRole('heading', { name: 'Approve claude-opus-4.8?' }).waitFor()
  assert.deepEqual(sent, [])
  assert.deepEqual(await violations(page), [])
  await page.getByRole('button', { name: 'Approve model' }).click()
  await until(() => Promise.resolve(sent.length === 1), 'it is approved')
  await visit(page, `${api.url}/routing/models?model=${encodeURIComponent('qwen/qwen3.6-27b-with-a-very-long-name-of-a-new-model')}`)
  await page.getByRole('dialog').getByText('approved (21 outcomes)').waitFor()
  await page.getByRole('button', { name: 'Reject…' }).last().click()
  await page.getByText('Auto no longer chooses it (it did 64 times).').waitFor()
  await page.getByRole('button', { name: 'Reject model' }).click()
  await until(() => Promise.resolve(sent.length === 2), 'it is rejected')
  await visit(page, `${api.url}/routing/models`)
  await page.getByRole('button', { name: 'Reset all…' }).click()
  await page.getByText(/What 5,025 outcomes taught of 8 models is forgotten/).waitFor()
  await page.getByRole('button', { name: 'Forget' }).click()
  await until(() => Promise.resolve(sent.length === 3), 'all is forgotten')
  assert.deepEqual(sent, ['claude-opus-4.8/approve ', 'qwen%2Fqwen3.6-27b-with-a-very-long-name-of-a-new-model/reject ', 'reset {}'])
  assert.deepEqual(problems(), [])
  const session = (await (await fetch(`${api.url}/api/v1/session`)).json()) as { permissions: string[] }
  const reader = await startFakeApi({ '/session': { status: 200, body: { ...session, permissions: session.permissions.filter((each) => each !== 'routing:write') } } })
  t.after(() => reader.close())
  await visit(page, `${reader.url}/routing/models?model=claude-opus-4.8`)
  assert.equal(await page.getByRole('button', { name: /Approve|Reject|Reset/ }).count(), 0)
  assert.equal(await page.getByRole('link', { name: 'Export' }).getAttribute('href'), '/api/v1/routing/models/export')
  await close()
})

test('savings say what was measured and what is a forecast; a loss is called one, and without decisions there is no figure', { skip }, async (t) => {
  const override: Parameters<typeof startFakeApi>[0] = {}
  const fake = await startFakeApi(override)
  t.after(() => fake.close())
  const { page, problems, close } = await open(browser)
  await visit(page, `${fake.url}/routing/savings`)
  await page.getByText(/Routing saved ≈ \$142\.90 \(30\.5 %\) against always asking the model of the best quality\. What was billed is measured; of what the best model would have cost, 81\.0 % is a forecast/).waitFor()
  await page.getByText('On 1 day routing cost more than the best model would have.').waitFor()
  await page.getByRole('button', { name: 'Model', exact: true }).click()
  await page.waitForURL('**/routing/savings?group=model')
  await page.getByRole('row', { name: /gpt-5\.1@high/ }).waitFor()
  assert.match(await page.getByRole('row', { name: /gpt-5\.1@high/ }).innerText(), /−\$18\.60\s+−32\.3 %/)
  const sent = page.waitForRequest((request) => request.url().includes('from=2026-10-20T13%3A32%3A07'))
  await page.getByRole('button', { name: '30 days' }).click()
  await sent
  const { totals } = noSavings
  override['/routing/savings'] = { status: 200, body: { ...noSavings, groups: [], totals: { ...totals, decisions: 4, counted: 4, billed_nano: 3e9, predicted_nano: 3e9, baseline_nano: 2e9, baseline_forecast_nano: 2e9, saved_nano: -1e9 } } }
  await visit(page, `${fake.url}/routing/savings`)
  await page.getByText(/Routing cost ≈ \$1\.00 more \(50\.0 %\) than always asking/).waitFor()
  override['/routing/savings'] = { status: 200, body: noSavings }
  await visit(page, `${fake.url}/routing/savings`)
  await page.getByText('Nothing was routed in this time').waitFor()
  assert.equal(await page.getByText('$0').count(), 0)
  assert.deepEqual(await violations(page), [])
  assert.deepEqual(problems(), [])
  await close()
})

test('a prompt is explained as the key and policy that were chosen; a refusal says what removed which models', { skip }, async (t) => {
  const override: Parameters<typeof startFakeApi>[0] = {}
  const fake = await startFakeApi(override)
  t.after(() => fake.close())
  const { page, problems, close } = await open(browser)
  await visit(page, `${fake.url}/routing/explain`)
  await page.getByLabel('Policy').selectOption('agents')
  await page.getByLabel('As the key').selectOption('agent-assist-prod')
  await page.waitForURL('**/routing/explain?policy=agents&key=key_03')
  await page.getByLabel('Prompt').fill('Sort this list.')
  await page.getByRole('switch', { name: 'With tools' }).click()
  await page.getByLabel(/Only these models/).fill('gpt-5.1, gpt-5-mini')
  const sent = page.waitForRequest((request) => request.method() === 'POST')
  await page.getByRole('button', { name: 'Explain choice' }).click()
  assert.deepEqual((await sent).postDataJSON(), { prompt: 'Sort this list.', key_id: 'key_03', policy: 'agents', tools: true, models: ['gpt-5.1', 'gpt-5-mini'] })
  await page.getByText('the best score of 4; looks like coding, medium').waitFor()
  assert.equal(await page.getByRole('row', { name: /Chosen/ }).count(), 1)
  assert.equal(await page.getByText('Answered').count(), 0)
  assert.deepEqual(await violations(page), [])
  override['/routing/explain'] = { status: 200, body: refusedPrompt }
  await page.getByRole('button', { name: 'Explain choice' }).click()
  await page.getByText(/It would be refused\. No model meets what is asked of it/).waitFor()
  await page.getByText('below the lowest quality').waitFor()
  assert.equal(await page.getByLabel('Prompt').inputValue(), 'Sort this list.')
  assert.deepEqual(await violations(page), [])
  assert.deepEqual(problems(), [])
  await close()
})
