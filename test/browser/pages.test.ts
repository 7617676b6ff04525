/** Every page of the console over an invented month: accessible, within its width, without errors, in both themes and three sizes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { violations } from './axe.ts'
import { browserPath, launch, open, settled, sizes, themes, until } from './browser.ts'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import { now } from './fake-data.ts'
import { keyRows } from './fake-keys.ts'
import { one, pages, rows } from './pages.ts'

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

const visit = async (page: Page, path: string): Promise<void> => {
  await page.goto(api.url + path)
  await settled(page)
}

/** Each theme and each size once; MEGAROUTER_PROOF=1: each theme in each size. */
const isProof = process.env['MEGAROUTER_PROOF'] === '1'
for (const theme of themes)
  for (const size of ['desktop', 'phone'] as const) {
    if (!isProof && (theme === 'dark') !== (size === 'phone')) continue
    test(`each page has no accessibility breach, no error and no sideways scroll: ${theme}, ${size}`, { skip, timeout: 280_000 }, async () => {
      const { page, problems, close } = await open(browser, { theme, size, expected: /status of 404/ })
      await page.clock.setFixedTime(now)
      for (const [name, path] of Object.entries(pages)) {
        await visit(page, path)
        assert.deepEqual(await violations(page), [], `${name}: axe`)
        assert.equal(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 0, `${name}: sideways scroll`)
        assert.equal(await page.locator('h1').count(), 1, `${name}: one h1`)
        assert.deepEqual(problems(), [], `${name}: errors`)
      }
      await close()
    })
  }

test('no page is wider than a tablet', { skip, timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, { size: 'tablet' })
  await page.clock.setFixedTime(now)
  for (const [name, path] of Object.entries(pages)) {
    await visit(page, path)
    assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= sizes.tablet.width, name)
  }
  await close()
})

test('open menus, dialogs, the palette and the chart’s table are accessible too', { skip, timeout: 120_000 }, async () => {
  for (const theme of themes) {
    const { page, problems, close } = await open(browser, { theme })
    await page.clock.setFixedTime(now)
    const steps: [string, () => Promise<unknown>][] = [
      ['/', () => page.keyboard.press('Control+k')],
      ['/', () => page.keyboard.press('?')],
      ['/', () => page.getByRole('button', { name: 'You and this console' }).click()],
      ['/requests', () => page.keyboard.press('f')],
      ['/keys?key=key_02', () => page.getByRole('button', { name: 'Revoke key…' }).click()],
      ['/providers?provider=groq', () => page.getByRole('button', { name: 'Remove…' }).click()],
      ['/providers?provider=groq', () => page.getByRole('button', { name: 'New 3' }).click()],
      ['/providers?provider=groq', () => page.getByRole('button', { name: 'Not listed 2' }).click()],
      [
        '/',
        async () => {
          await page.getByRole('group', { name: /spent this month/ }).focus()
          await page.keyboard.press('t')
        },
      ],
      [
        '/',
        async () => {
          await page.getByRole('group', { name: /spent this month/ }).focus()
          await page.keyboard.press('ArrowRight')
        },
      ],
    ]
    for (const [path, act] of steps) {
      await visit(page, path)
      await act()
      await page.waitForTimeout(150)
      assert.deepEqual(await violations(page), [], `${theme} ${path}`)
      assert.deepEqual(problems(), [])
    }
    await close()
  }
})

test('filters live in the address, and going back takes them away again', { skip }, async () => {
  const { page, close } = await open(browser)
  await page.clock.setFixedTime(now)
  await visit(page, '/requests')
  await page.keyboard.press('f')
  await page.getByRole('button', { name: 'Outcome' }).click()
  await page.getByRole('button', { name: 'failed' }).click()
  await page.waitForURL('**/requests?outcome=failed')
  await settled(page)
  assert.equal(await page.getByText('503 failed').first().isVisible(), true)
  await page.getByRole('button', { name: 'Remove Outcome is failed' }).click()
  await page.waitForURL('**/requests')
  await close()
})

test('J and K walk through the list that the reader came from, and C copies a curl without a key', { skip }, async () => {
  const { page, close } = await open(browser)
  await page.clock.setFixedTime(now)
  await visit(page, '/requests')
  await page.locator('tbody tr').nth(2).click()
  await page.waitForURL(`**/requests/${rows[2]?.id}`)
  await settled(page)
  await page.keyboard.press('j')
  await page.waitForURL(`**/requests/${rows[3]?.id}`)
  await settled(page)
  await page.keyboard.press('c')
  const copied = String(await page.evaluate('navigator.clipboard.readText()'))
  assert.match(copied, /^curl http/)
  assert.doesNotMatch(copied, /mr-/)
  await close()
})

test('a session that ended leads to the log-in and back to the same place', { skip }, async () => {
  const fake = await startFakeApi({ '/session': { status: 401, body: { error: { code: 'unauthenticated', message: 'Sign in first.' } } } })
  const { page, close } = await open(browser, { expected: /status of 401/ })
  await page.goto(`${fake.url}/keys?revoked=true`)
  await page.waitForURL('**/login?next=%2Fkeys%3Frevoked%3Dtrue')
  await close()
  await fake.close()
})

test('a panel that fails says why and leaves the rest of the page alone', { skip }, async () => {
  const fake = await startFakeApi({
    '/status': { status: 503, body: { error: { code: 'database_unavailable', message: 'The database does not answer.', request_id: 'req_x1' } } },
  })
  const { page, close } = await open(browser, { expected: /status of 503/ })
  await page.goto(`${fake.url}/settings`)
  await page.getByText('The database does not answer.').waitFor()
  assert.equal(await page.getByText('req_x1').isVisible(), true)
  assert.equal(await page.getByLabel('Time zone').isVisible(), true)
  await close()
  await fake.close()
})

test('budget and limits of the organisation go to the gateway exactly as they are typed; what is emptied is taken away', { skip }, async () => {
  const { page, close } = await open(browser)
  await visit(page, '/settings')
  const budget = page.getByLabel('Budget, USD')
  assert.equal(await budget.inputValue(), '$60,000')
  await budget.fill('nothing')
  await page.getByLabel('USD/min').fill('0')
  await page.getByRole('button', { name: 'Save settings' }).click()
  await page.getByText('Write an amount such as 20, 1.5k or $2,000; 0 blocks at once.').waitFor()
  await page.getByText('Write an amount above 0').waitFor()
  await budget.fill('$1,234,567.000000001')
  await page.getByLabel('Tokens/min').fill('')
  await page.getByLabel('USD/min').fill('.25')
  const saved = page.waitForRequest((request) => request.method() === 'PATCH')
  await page.getByRole('button', { name: 'Save settings' }).click()
  const { budget: sent, rate_limit: limit } = (await saved).postDataJSON() as Record<string, unknown>
  assert.deepEqual(sent, { limit_usd: '1234567.000000001', period: 'month', mode: 'standard' })
  assert.deepEqual(limit, { rpm: null, tpm: null, concurrency: null, spend_usd_per_minute: '0.25' })
  await close()
})

test('a spent budget is told in the list, in the key and after a change that blocks it', { skip }, async (t) => {
  const warning = 'The key coding-agents is blocked until 2026-11-30T23:00:00Z, or until its limit is raised: it has spent $17839.33 and its limit is now $10.00.'
  const [row] = keyRows
  const changedTo = { ...row, version: 4, budget: { ...row?.budget, limit_nano: 10e9, blocked: true }, warnings: [warning] }
  const fake = await startFakeApi({ '/keys/key_01': { status: 200, body: changedTo } })
  t.after(() => fake.close())
  const { page, problems, close } = await open(browser)
  await page.clock.setFixedTime(now)
  await page.goto(`${fake.url}/keys`)
  await settled(page)
  const blocked = page.getByRole('row', { name: /ci-review/ })
  assert.match(await blocked.innerText(), /\$11,651 of \$11,500\s+standard, opens again 1 Dec[\s\S]*Blocked/)
  await page.goto(`${fake.url}/keys?key=key_01`)
  await settled(page)
  const budget = page.getByRole('region', { name: 'Budget' })
  assert.match(await budget.innerText(), /\$17,839\.33 of \$24,000\.00 spent this month/)
  assert.equal(await budget.getByText('Blocked').count(), 0)
  await page.getByLabel('Budget, USD').fill('10')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByRole('status').getByText(warning).waitFor()
  assert.match(await budget.innerText(), /\$17,829\.33 over\s*Blocked[\s\S]*coding-agents is refused with 402\./)
  assert.deepEqual(await violations(page), [])
  assert.deepEqual(problems(), [])
  await close()
})

test('a budget of the organisation that is spent already says so after the change that lowers it', { skip }, async (t) => {
  const warning = 'The organisation Larkfield is blocked until 2026-11-30T23:00:00Z, or until its limit is raised: it has spent $48137.95 and its limit is now $0.00.'
  const before = await (await fetch(`${api.url}/api/v1/settings`)).json() as { budget: object }
  const override: Parameters<typeof startFakeApi>[0] = {}
  const fake = await startFakeApi(override)
  t.after(() => fake.close())
  const { page, close } = await open(browser)
  await page.clock.setFixedTime(now)
  await page.goto(`${fake.url}/settings`)
  await settled(page)
  await page.getByLabel('Budget, USD').fill('0')
  override['/settings'] = { status: 200, body: { ...before, version: 2, budget: { ...before.budget, limit_nano: 0, blocked: true }, warnings: [warning] } }
  const saved = page.waitForRequest((request) => request.method() === 'PATCH')
  await page.getByRole('button', { name: 'Save settings' }).click()
  assert.deepEqual(((await saved).postDataJSON() as { budget: object }).budget, { limit_usd: '0', period: 'month', mode: 'standard' })
  await page.getByRole('status').getByText(warning).waitFor()
  await close()
})

test('what is typed into the settings stays while the spend of the organisation moves on', { skip }, async (t) => {
  const settings = async (): Promise<Record<string, unknown>> => (await fetch(`${api.url}/api/v1/settings`)).json() as Promise<Record<string, unknown>>
  const later = await settings()
  const override: Parameters<typeof startFakeApi>[0] = {}
  const fake = await startFakeApi(override)
  t.after(() => fake.close())
  const { page, close } = await open(browser)
  await page.clock.install({ time: now })
  await page.goto(`${fake.url}/settings`)
  await settled(page)
  const budget = page.getByRole('region', { name: 'Budget', exact: true })
  assert.match(await budget.innerText(), /\$48,137\.95 of \$60,000\.00 spent this month[\s\S]*Standard, opens again 1 Dec, 00:00/)
  await page.getByLabel('Tokens/min').fill('77')
  override['/settings'] = { status: 200, body: { ...later, budget: { ...(later['budget'] as object), spent_nano: 60_000e9, blocked: true } } }
  await page.clock.fastForward(16_000)
  await budget.getByText('Every key is refused with 402.').waitFor()
  assert.equal(await page.getByLabel('Tokens/min').inputValue(), '77')
  assert.equal(await page.getByRole('button', { name: 'Save settings' }).isEnabled(), true)
  await close()
})

test('the ledger says what is settled, held and paid by the gateway; where the data plane is silent it does not say 0', { skip }, async (t) => {
  const override: Parameters<typeof startFakeApi>[0] = {}
  const fake = await startFakeApi(override)
  t.after(() => fake.close())
  const { page, close } = await open(browser)
  const ledger = async (): Promise<string> => {
    await page.goto(`${fake.url}/settings`)
    await settled(page)
    return page.getByRole('region', { name: 'Ledger' }).innerText()
  }
  assert.match(await ledger(), /In order[\s\S]*\$48,137\.95, all time[\s\S]*\$1\.93 by 23 open attempts, the oldest for 41\.20 s[\s\S]*\$38\.20[\s\S]*640 estimated[\s\S]*2 over hold[\s\S]*LSN 9,604,331, 12 records to go/)
  const summary = (await (await fetch(`${fake.url}/api/v1/ledger/summary`)).json()) as Record<string, unknown>
  const silent = { ...summary, settled_nano: '9007199254740993000', held_nano: null, open_holds: null, oldest_hold_ms: null, lag_entries: null, rejected: 1 }
  override['/ledger/summary'] = { status: 200, body: silent }
  const text = await ledger()
  assert.match(text, /Needs attention[\s\S]*\$9,007,199,254\.74, all time[\s\S]*not known: the data plane does not answer[\s\S]*1 record could not be applied/)
  assert.doesNotMatch(text, /to go|nothing/)
  await close()
})

test('what the gateway paid for a failed attempt is shown, and the parts are the sum that was settled', { skip }, async () => {
  const { page, close } = await open(browser)
  await visit(page, one('success', 2))
  const amounts = await page.getByRole('region', { name: 'Cost by token class' }).getByRole('cell').allInnerTexts()
  const dollars = amounts.map((text) => Math.round(Number(text.replace('−', '-').replace('$', '')) * 1e6))
  assert.equal(dollars.slice(0, -1).reduce((sum, value) => sum + value, 0), dollars.at(-1))
  assert.ok(dollars.includes(-4120), amounts.join(' '))
  const charges = await page.getByRole('region', { name: 'Ledger' }).innerText()
  assert.match(charges, /Attempt 1\s+hold released, nothing due; \$0\.004120 paid by the gateway\s+estimated: [\s\S]*uncertain: [\s\S]*Attempt 2\s+settled \$0\.0/)
  await close()
})

test('the playground streams two answers side by side and says which was cheaper, and why a third was refused', { skip }, async () => {
  const { page, close } = await open(browser, { expected: /status of 403/ })
  await visit(page, '/playground?models=gpt-5-mini,gpt-5.1,deepseek-v3.2')
  await page.getByPlaceholder('Ask all models the same').fill('Draft the reply.')
  await page.keyboard.press('Control+Enter')
  await page.getByText('policy_denied').waitFor()
  await page.getByText('cheapest').waitFor()
  assert.equal(await page.locator('strong, b', { hasText: '€64.90' }).count(), 2)
  assert.equal(await page.getByText('$0.00026').isVisible(), true)
  await close()
})

test('a provider shows what the vendor said of its key, and its own list in three groups that can be searched', { skip }, async () => {
  const { page, problems, close } = await open(browser)
  await page.clock.setFixedTime(now)
  await visit(page, '/providers')
  assert.equal(await page.getByText('Key refused').count(), 1)
  await visit(page, '/providers?provider=groq')
  await page.getByText('“Invalid API Key”').waitFor()
  assert.deepEqual(await page.getByRole('dialog').getByText(/^(Works|Refused)$/).allTextContents(), ['Refused', 'Works'])
  const rows = page.getByRole('list', { name: 'Models of this group' }).getByRole('listitem')
  await until(async () => (await rows.count()) === 100, 'the first hundred')
  await page.getByRole('button', { name: 'Show more' }).click()
  await until(async () => (await rows.count()) === 130, 'all of the group')
  await page.getByRole('button', { name: 'New 3' }).click()
  await until(async () => (await rows.count()) === 3, 'the new ones')
  assert.equal(await rows.getByText('Unknown price').count(), 3)
  await page.getByRole('searchbox', { name: 'Search its models' }).fill('qwen')
  await until(async () => (await rows.allTextContents()).join().includes('groq/qwen/qwen3.6-27b') && (await rows.count()) === 1, 'the one that matches')
  await page.getByRole('searchbox', { name: 'Search its models' }).fill('nothing like it')
  await page.getByText('No model of this group matches').waitFor()
  assert.deepEqual(problems(), [])
  await close()
})

test('a key that the vendor refuses stays in its field with the vendor’s words, and may be saved all the same', { skip }, async () => {
  const message = 'Together refused the credential (401): “Invalid API key provided”. It was not saved.'
  const { page, close } = await open(browser, { expected: /status of 422/ })
  const sent: unknown[] = []
  await page.route('**/api/v1/providers', async (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    sent.push(route.request().postDataJSON())
    await route.fulfill({ status: 422, json: { error: { code: 'credential_refused', message, param: 'credential', request_id: 'req_fake' } } })
  })
  await page.clock.setFixedTime(now)
  await visit(page, '/providers?add=together')
  await page.getByLabel('Vendor').selectOption('together')
  const key = page.getByRole('dialog').getByLabel('API key')
  await key.fill('sk-typed-just-now')
  await page.getByRole('button', { name: 'Add and test' }).click()
  await page.getByText('“Invalid API key provided”').waitFor()
  assert.equal(await key.inputValue(), 'sk-typed-just-now')
  await page.getByRole('button', { name: 'Save it all the same' }).click()
  await until(() => Promise.resolve(sent.length === 2), 'it is sent again')
  assert.deepEqual(sent, [false, true].map((force) => ({ vendor: 'together', credential: 'sk-typed-just-now', force })))
  await close()
})
