/** Each page for somebody who may see that page and nothing else: it asks the server for nothing that would be refused, the live stream included. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { type Permission, reachOf } from '../../src/governance/permissions.ts'
import { type Rule, rules } from '../control/matrix-table.ts'
import { browserPath, launch, open, settled } from './browser.ts'
import { startFakeApi } from './fake-api.ts'
import { now } from './fake-data.ts'
import { decisionIds } from './fake-routing.ts'

const skip = browserPath === undefined ? 'no Chromium here' : false
let browser: Browser
before(async () => {
  if (!skip) browser = await launch()
})
after(() => browser?.close())

const pages: [Permission[], string[]][] = [
  [['usage:read'], ['/', '/?by=key']],
  [['keys:use_any'], ['/playground']],
  [['requests:read'], ['/requests', '/requests/req_unknown', `/requests/${decisionIds[0]}`]],
  [['routing:read'], ['/routing', '/routing?alias=fast', '/routing/policies?policy=agents', '/routing/decisions', `/routing/decisions/${decisionIds[0]}`, '/routing/models?model=gpt-5-mini', '/routing/savings', '/routing/explain', '/models', '/models?model=mistral-medium-3']],
  [['routing:read', 'usage:read'], ['/routing/savings', '/routing/savings?group=model']],
  [['requests:read', 'routing:read'], [`/requests/${decisionIds[0]}`]],
  [['budgets:read'], ['/budgets', '/budgets?budget=bud_2']],
  [['budgets:read', 'limits:read'], ['/budgets?tab=limits', '/budgets?tab=limits&budget=lim_1']],
  [['teams:read'], ['/teams', '/teams?team=team_1']],
  [['teams:read', 'members:read'], ['/teams?tab=people', '/teams?tab=people&person=usr_2', '/teams?tab=people&person=sva_1']],
  [['keys:read'], ['/keys', '/keys?key=key_01']],
  [['keys:read', 'keys:write'], ['/keys?key=key_01', '/keys?key=new']],
  [['policies:read'], ['/access', '/access?policy=pol_2', '/access/why', '/access/why?key=key_03&model=gpt-5.1', '/access?tab=roles', '/access/sign-on']],
  [['audit:read'], ['/audit', '/audit?event=39']],
  [['providers:read'], ['/providers', '/providers?provider=groq']],
  [['alerts:read'], ['/alerts', '/alerts?channel=alc_1']],
  [['settings:read'], ['/settings', '/access/sign-on']],
  [[], ['/profile']],
]

/** `/keys/key_01` → what `GET /keys/:id` asks for. */
function ruleOf(path: string): Rule {
  const parts = path.split('/')
  const known = [...rules].filter(([name]) => name.startsWith('GET ')).map(([name, rule]) => ({ pattern: name.slice(4).split('/'), rule }))
  const fits = ({ pattern }: { pattern: string[] }): boolean => pattern.length === parts.length && pattern.every((part, index) => part === parts[index] || part.startsWith(':'))
  const found = known.filter(fits).toSorted((a, b) => a.pattern.join('/').split(':').length - b.pattern.join('/').split(':').length)[0]
  assert.ok(found, `no route ${path}`)
  return found.rule
}

interface Reader {
  permissions: Permission[]
  /** Holds them at a team, not in the organisation as a whole. */
  isBelow: boolean
}
const sessionOf = ({ permissions, isBelow }: Reader): object => ({
  roles: [{ role: 'role_1', name: 'Narrow', node: isBelow ? 'team_1' : 'org_1', node_name: isBelow ? 'Support' : 'Larkfield' }],
  permissions: isBelow ? [] : permissions,
  permissions_below: isBelow ? permissions : [],
})
const mayAsk = (rule: Rule, { permissions, isBelow }: Reader): boolean => typeof rule === 'string' || (permissions.includes(rule.permission) && !(isBelow && rule.where === 'organisation'))

/** Paths of the admin API that a page reads. */
async function askedBy(url: string): Promise<Set<string>> {
  const { page, close } = await open(browser, { expected: /status of 404/ })
  const asked = new Set<string>()
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (request.method() === 'GET' && pathname.startsWith('/api/v1/')) asked.add(pathname)
  })
  await page.clock.setFixedTime(now)
  await page.goto(url)
  await settled(page)
  await close()
  return asked
}

for (const isBelow of [false, true]) {
  test(`a page asks for nothing that its reader may not have: permissions ${isBelow ? 'at a team' : 'of the organisation'}`, { skip, timeout: 120_000 }, async (t) => {
    const override: Parameters<typeof startFakeApi>[0] = {}
    const fake = await startFakeApi(override)
    t.after(() => fake.close())
    const session = (await (await fetch(`${fake.url}/api/v1/session`)).json()) as object
    const refused: string[] = []
    let streams = 0
    for (const [held, paths] of pages) {
      const reader = { permissions: held.filter((each) => !isBelow || reachOf(each) === 'node'), isBelow }
      override['/session'] = { status: 200, body: { ...session, ...sessionOf(reader) } }
      for (const path of paths) {
        const asked = await askedBy(fake.url + path)
        assert.ok(asked.has('/api/v1/session'))
        if (asked.has('/api/v1/events')) streams++
        for (const each of asked) if (!mayAsk(ruleOf(each), reader)) refused.push(`${reader.permissions.join(' ')} at ${path}: ${each}`)
      }
    }
    assert.deepEqual(refused, [])
    assert.equal(streams, 4, 'who reads requests has the live stream')
  })
}
