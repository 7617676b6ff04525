import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vendor } from '../providers/provider.ts'
import { CredentialTurns } from '../routing/credentials.ts'
import { HealthBook } from '../routing/health.ts'
import { HedgeBudget } from '../routing/hedge-budget.ts'
import { RetryBudget } from '../routing/retry-budget.ts'
import { hedgeSeries, healthSeries, shownDeployments } from './health.ts'
import { Metrics } from './metrics.ts'

test('health, rests and further attempts are in the text of /metrics, and what is over is gone from it', async () => {
  const tools = { health: new HealthBook(() => 0.5), credentials: new CredentialTurns(), retries: new RetryBudget(0.1, 5) }
  for (let i = 0; i < 5; i++) tools.health.done(tools.health.enter('down', true, 1_000)!, 'server', 1_000)
  const visit = tools.health.enter('up', true, 1_000)!
  tools.health.began(visit, 250, 1_250)
  const provider = { id: 'p', identity: 'p', vendor: vendor({ id: 'p', name: 'P', docs: '' }), baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, own: null, isOpen: true, credentials: [{ id: 'c', secret: 's', last4: 's' }] }
  tools.credentials.spent(provider, 'c', 'm', 1_000, 1_000)
  tools.retries.spend('timeout', 1_000)
  const metrics = new Metrics()
  const text = await metrics.text({ megarouter_retry_budget_exhausted_total: 3 }, healthSeries(tools, 1_250))
  for (const line of [
    'megarouter_deployment_breaker{deployment="down"} 2', 'megarouter_deployment_breaker{deployment="up"} 0', 'megarouter_deployment_first_token_seconds{deployment="up"} 0.25', 'megarouter_deployment_in_flight{deployment="up"} 1',
    'megarouter_deployment_openings_total{deployment="down"} 1', 'megarouter_retries_total{reason="timeout"} 1', 'megarouter_credentials_resting{provider="p"} 1', 'megarouter_retry_budget_exhausted_total 3',
  ]) assert.ok(text.split('\n').includes(line), `${line}\n${text}`)
  const later = await metrics.text({}, healthSeries(tools, 60_000))
  assert.doesNotMatch(later, /credentials_resting\{/)
})

test('second attempts and what they cost are in the text of /metrics', async () => {
  const hedges = new HedgeBudget()
  const hedging = { policy: 'org/p', maxSpend: 0.05 }
  hedges.hasRoom(hedging, 5, 0)
  hedges.take(hedging, 5, 0)
  hedges.counts.won++
  const text = await new Metrics().text({}, [hedgeSeries(hedges)])
  for (const [event, count] of [['started', 1], ['won', 1], ['lost', 0], ['refused', 1]] as const) assert.ok(text.split('\n').includes(`megarouter_hedges_total{event="${event}"} ${count}`), text)
})

test('however many deployments there are, few are shown, and those in trouble are among them', () => {
  const tools = { health: new HealthBook(() => 0.5), credentials: new CredentialTurns(), retries: new RetryBudget(0.1, 5) }
  for (let i = 0; i < shownDeployments + 100; i++) tools.health.done(tools.health.enter(`made up ${i}`, true, 0)!, null, 0)
  for (let i = 0; i < 5; i++) tools.health.done(tools.health.enter('down', true, 0)!, 'server', 0)
  for (const { name, values } of healthSeries(tools, 0)) {
    assert.ok(values.length <= shownDeployments)
    if (name === 'megarouter_deployment_breaker') assert.ok(values.some(([id, value]) => id === 'down' && value === 2))
  }
})
