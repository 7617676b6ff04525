/** What the admin API says of the ledger, and of budgets by it, on both databases. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { periodEnd, periodStart } from '../../src/governance/periods.ts'
import { applyTerminals } from '../../src/store/ledger.ts'
import { nodeIdOf } from '../../src/store/node-id.ts'
import type { HeldNow } from '../../src/threads/messages.ts'
import { onBothDatabases, type TestDatabase } from '../store/databases.ts'
import { logged, tenant, terminal } from '../store/ledger-fixtures.ts'
import { startRig, until, type Answer, type Rig } from './rig.ts'

interface Story { rig: Rig; org: string; node: string }

async function withStory(open: () => Promise<TestDatabase>, work: (story: Story) => Promise<void>): Promise<void> {
  const opened = await open()
  const rig = await startRig({ databaseUrl: opened.settings.databaseUrl })
  try {
    const { id: org } = (await rig.call('GET', '/session')).body.organisation as { id: string }
    const journal = join(rig.control.services.database.dataDir, 'journal')
    mkdirSync(journal)
    await work({ rig, org, node: nodeIdOf(journal, randomBytes)! })
  } finally {
    await rig.stop()
    await opened.close()
  }
}

/** Asks for the summary, and answers for the data plane; null: it says nothing. */
async function summary(rig: Rig, held: HeldNow | null, meanwhile?: () => Promise<unknown>): Promise<Answer> {
  rig.posts.length = 0
  const answer = rig.call('GET', '/ledger/summary')
  if (held !== null) {
    const asked = await until(() => rig.posts.find((message) => message.kind === 'holds'), 'the data plane was asked')
    rig.control.receive({ kind: 'holds', id: asked.id, held })
  }
  await meanwhile?.()
  return answer
}

const held = (lsn: number, more: Partial<HeldNow> = {}): HeldNow => ({ openHolds: 0, oldestHoldMs: 0, byOrg: {}, lsn, ...more })

onBothDatabases((open) => {
  const story = (name: string, work: (story: Story) => Promise<void>): void => void test(name, () => withStory(open, work))

  describe('GET /ledger/summary', () => {
    story('200: sums by outcome and flag, what is held, and how far the journal was applied', async ({ rig, org, node }) => {
      const { database } = rig.control.services
      const ours = tenant({ org })
      await applyTerminals(database, node, logged([
        terminal({ tenant: ours, flags: 1 | 32, overheadNano: 9 }), terminal({ tenant: ours, tenantNano: 1 }), terminal({ tenant: ours, kind: 'void', tenantNano: 0, outcome: 'upstream_error' }),
        terminal({ tenant: tenant({ org: 'org_other' }), tenantNano: 1e9 }),
      ]), 14)
      const answer = await summary(rig, held(20, { openHolds: 2, oldestHoldMs: 1_500, byOrg: { [org]: 60, org_other: 10 } }), () => applyTerminals(database, node, [], 17))
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.body, {
        settled_nano: 5_012_751, overhead_nano: 9, held_nano: 60, open_holds: 2, oldest_hold_ms: 1_500, entries: 4,
        outcomes: { success: { count: 2, settled_nano: 5_012_751, overhead_nano: 9 }, upstream_error: { count: 1, settled_nano: 0, overhead_nano: 0 } },
        flags: { estimated: 1, uncertain: 0, unpriced: 0, anomalous: 0, simulated: 0, over_bound: 1, over_hold: 0 },
        applied_lsn: 17, lag_entries: 3, rejected: 0,
      })
    })

    story('200: waits for what was settled when it was asked', async ({ rig, org, node }) => {
      const { database } = rig.control.services
      const answer = await summary(rig, held(3), async () => {
        await new Promise((resolve) => setTimeout(resolve, 200))
        await applyTerminals(database, node, logged([terminal({ tenant: tenant({ org }) })]), 3)
      })
      assert.deepEqual([answer.body.settled_nano, answer.body.lag_entries, answer.body.applied_lsn], [5_012_750, 0, 3])
    })

    story('200: a data plane that does not answer leaves out what it alone knows; a sum beyond 2^53 is exact text', async ({ rig, org, node }) => {
      const nano = Number.MAX_SAFE_INTEGER
      await applyTerminals(rig.control.services.database, node, logged([terminal({ tenant: tenant({ org }), tenantNano: nano }), terminal({ tenant: tenant({ org }), tenantNano: nano, kind: 'settle' })]), 6)
      const { body } = await summary(rig, null)
      assert.deepEqual([body.settled_nano, body.held_nano, body.open_holds, body.oldest_hold_ms, body.lag_entries, body.applied_lsn], [String(2n * BigInt(nano)), null, null, null, null, 6])
    })

    story('401: nobody', async ({ rig }) => {
      assert.equal((await rig.call('GET', '/ledger/summary', { as: 'nobody' })).status, 401)
    })
  })

  describe('budgets of keys', () => {
    story('what is spent is what the ledger settled in the period of the organisation\'s zone, and a spent budget blocks', async ({ rig, org, node }) => {
      const { database } = rig.control.services
      await rig.call('PATCH', '/settings', { body: { time_zone: 'Asia/Kathmandu' } })
      const created = (await rig.call('POST', '/keys', { body: { name: 'CI', budget: { limit_usd: '0.000000100', period: 'month', mode: 'strict' } } })).body as { id: string; budget: { blocked: boolean } }
      assert.equal(created.budget.blocked, false)
      const now = rig.clock.epochMs()
      const [start, end] = [periodStart('month', now, 'Asia/Kathmandu'), periodEnd('month', now, 'Asia/Kathmandu')]
      const at = (heldAt: number, tenantNano: number) => terminal({ tenant: tenant({ org, key: created.id }), heldAt, endedAt: heldAt, tenantNano })
      await applyTerminals(database, node, logged([at(start - 1, 5_000), at(start, 40), at(now, 50), at(end, 7_000)]), 12)
      const budget = async () => (await rig.call('GET', `/keys/${created.id}`)).body.budget
      assert.deepEqual(await budget(), { limit_nano: 100, period: 'month', mode: 'strict', spent_nano: 90, resets_at: new Date(end).toISOString(), blocked: false })
      const change = async (body: object) => (await rig.call('PATCH', `/keys/${created.id}`, { body })).body as { budget: { blocked: boolean }; warnings: string[] }

      const lowered = await change({ budget: { limit_usd: '0.000000090', period: 'month', mode: 'strict' } })
      assert.equal(lowered.budget.blocked, true)
      assert.match(lowered.warnings.join(), new RegExp(`^The key CI is blocked until ${new Date(end).toISOString()}, or until its limit is raised: it has spent \\$0\\.00000009 and its limit is now \\$0\\.00000009\\.$`))
      assert.deepEqual((await change({ name: 'CI 2' })).warnings, [], 'only a change of the budget warns')
      for (const body of [{ limit_usd: '0.000000091', period: 'month', mode: 'strict' }, { limit_usd: '0.000000001', period: 'month', mode: 'soft' }]) {
        const { budget, warnings } = await change({ budget: body })
        assert.deepEqual([budget.blocked, warnings], [false, []])
      }
      const { warnings } = await change({ budget: { limit_usd: '0.00001', period: 'total' } })
      assert.match(warnings.join(), /^The key CI 2 is blocked until its limit is raised: /)
    })

    story('a budget of the organisation that is spent already says so in the same words', async ({ rig, org, node }) => {
      const now = rig.clock.epochMs()
      await applyTerminals(rig.control.services.database, node, logged([terminal({ tenant: tenant({ org }), heldAt: now, endedAt: now, tenantNano: 90 })]), 3)
      const change = async (body: object) => (await rig.call('PATCH', '/settings', { body })).body as { budget: { blocked: boolean }; warnings: string[] }
      const lowered = await change({ organisation: 'ACME', budget: { limit_usd: '0.000000090', period: 'total', mode: 'standard' } })
      assert.deepEqual([lowered.budget.blocked, lowered.warnings], [true, ['The organisation ACME is blocked until its limit is raised: it has spent $0.00000009 and its limit is now $0.00000009.']])
      assert.deepEqual((await change({ organisation: 'ACME 2' })).warnings, [], 'only a change of the budget warns')
      assert.deepEqual((await change({ budget: { limit_usd: '0.000000091', period: 'total' } })).warnings, [])
    })
  })
})
