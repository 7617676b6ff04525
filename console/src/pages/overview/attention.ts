/** What needs the operator, derived from what the gateway reports now, ordered by harm. Each item says the cause and where to act. */
import type { Key, Measures, Provider, Settings, Status } from '../../api-types.ts'
import { countExact, duration, money, percent, plural } from '../../format.ts'
import { type Budget, usedShare } from '../../ui/budget-use.ts'

export interface Attention {
  id: string
  tone: 'bad' | 'warn' | 'accent'
  icon: 'alert' | 'money' | 'plug' | 'key' | 'database' | 'file' | 'simulated'
  title: string
  text: string
  action: string
  to: '/requests' | '/providers' | '/keys' | '/settings' | '/models'
  search: Record<string, string>
}
interface Input {
  now: number
  day: Measures | undefined
  providers: Provider[]
  keys: Key[]
  organisation: Settings | undefined
  status: Status | undefined
  simulated: boolean
}

const soonMs = 7 * 86_400_000
/** Failures under this count are noise. */
const fewFailures = 5

function ofGateway(status: Status): Attention[] {
  const items: Attention[] = []
  const { up, queued, dropped } = status.database
  if (!up)
    items.push({
      id: 'database',
      tone: 'bad',
      icon: 'database',
      title: 'The database does not answer',
      text: `${queued === null ? 'Records' : plural(queued, 'record')} wait in memory and on disk; known keys keep working. Nothing is lost while the process runs.`,
      action: 'See status',
      to: '/settings',
      search: {},
    })
  else if (queued !== null && queued > 1_000)
    items.push({
      id: 'queue',
      tone: 'warn',
      icon: 'database',
      title: 'The database is behind',
      text: `${plural(queued, 'record')} wait to be written; figures lag until they are.`,
      action: 'See status',
      to: '/settings',
      search: {},
    })
  if (dropped !== null && dropped > 0)
    items.push({
      id: 'dropped',
      tone: 'bad',
      icon: 'database',
      title: `${plural(dropped, 'record')} dropped`,
      text: 'The queue was full. Spend and counts are short by these.',
      action: 'See status',
      to: '/settings',
      search: {},
    })
  if (status.config.error)
    items.push({
      id: 'config',
      tone: 'bad',
      icon: 'file',
      title: `${status.config.file ?? 'The configuration'} is not in force`,
      text: `${status.config.error} The last good version stays.`,
      action: 'See status',
      to: '/settings',
      search: {},
    })
  return items
}

function ofDeclarations(status: Status): Attention[] {
  const items: Attention[] = []
  for (const problem of status.problems)
    items.push({
      id: problem,
      tone: 'warn',
      icon: 'plug',
      title: 'A declaration can’t be used',
      text: problem,
      action: 'See providers',
      to: '/providers',
      search: {},
    })
  for (const health of status.health) {
    if (health.state !== 'open') continue
    items.push({
      id: `breaker-${health.deployment}`,
      tone: 'bad',
      icon: 'alert',
      title: `${health.deployment} is switched off by its breaker`,
      text: `${percent(health.success_rate)} of its last attempts worked. It is probed and returns by itself; other deployments serve meanwhile.`,
      action: 'See its models',
      to: '/models',
      search: { search: health.deployment.split('/').at(-1) ?? '' },
    })
  }
  return items
}

function ofProviders(providers: Provider[]): Attention[] {
  const items: Attention[] = []
  for (const provider of providers) {
    const rate = provider.requests_24h === 0 ? 0 : provider.failures_24h / provider.requests_24h
    if (!provider.enabled || provider.failures_24h < fewFailures || rate < 0.01) continue
    items.push({
      id: `provider-${provider.id}`,
      tone: rate >= 0.2 ? 'bad' : 'warn',
      icon: 'plug',
      title: `${provider.name} fails on ${percent(rate)} of attempts`,
      text: `${countExact(provider.failures_24h)} of ${countExact(provider.requests_24h)} in 24 h. Fallbacks, where an alias or a second deployment allows one, took over.`,
      action: 'See failures',
      to: '/requests',
      search: { vendor: provider.vendor, outcome: 'failed' },
    })
  }
  return items
}

const nearlyUsed = 0.8
/** From 80 % on: whose budget it is, and what happens at its end. */
function ofBudget(budget: Budget, { id, name, to, search }: Pick<Attention, 'id' | 'to' | 'search'> & { name: string }): Attention[] {
  const used = usedShare(budget)
  if (used < nearlyUsed) return []
  const end = budget.blocked ? 'Requests are refused with 402.' : budget.mode === 'soft' ? 'It is soft: requests go on.' : 'At 100 % requests are refused.'
  return [
    {
      id: `budget-${id}`,
      tone: budget.blocked ? 'bad' : 'warn',
      icon: 'money',
      title: used >= 1 ? `${name} has used its budget` : `${name} has used ${percent(used)} of its budget`,
      text: `${money(budget.spent_nano)} of ${money(budget.limit_nano)} ${budget.period === 'total' ? 'in total' : `this ${budget.period}`}. ${end}`,
      action: 'Change limit',
      to,
      search,
    },
  ]
}

function ofKeys(keys: Key[], now: number): Attention[] {
  const items: Attention[] = []
  for (const key of keys) {
    if (key.status !== 'active') continue
    if (key.budget) items.push(...ofBudget(key.budget, { id: key.id, name: key.name, to: '/keys', search: { key: key.id } }))
    const left = key.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(key.expires_at) - now
    if (left < soonMs)
      items.push({
        id: `expiry-${key.id}`,
        tone: left <= 0 ? 'bad' : 'warn',
        icon: 'key',
        title: left <= 0 ? `${key.name} has expired` : `${key.name} expires in ${duration(left)}`,
        text: left <= 0 ? 'Its requests are refused with 401.' : `${plural(key.requests_month, 'request')} used it this month.`,
        action: 'Open key',
        to: '/keys',
        search: { key: key.id },
      })
  }
  return items
}

export function attention({ now, day, providers, keys, organisation, status, simulated }: Input): Attention[] {
  const { organisation: name = '', budget = null } = organisation ?? {}
  const ofOrganisation = budget ? ofBudget(budget, { id: 'organisation', name, to: '/settings', search: {} }) : []
  const items = [...(status ? [...ofGateway(status), ...ofDeclarations(status)] : []), ...ofProviders(providers), ...ofOrganisation, ...ofKeys(keys, now)]
  if (day && day.unpriced_requests > 0)
    items.push({
      id: 'unpriced',
      tone: 'warn',
      icon: 'money',
      title: `${plural(day.unpriced_requests, 'request')} without a price`,
      text: 'In 24 h, to models that the catalogue has no price for. They are counted as unpriced, not as $0.',
      action: 'See models',
      to: '/models',
      search: {},
    })
  if (simulated)
    items.push({
      id: 'simulated',
      tone: 'accent',
      icon: 'simulated',
      title: 'Only the simulated provider is on',
      text: 'Answers and prices are invented. Add a provider’s key to reach real models.',
      action: 'Add a provider',
      to: '/providers',
      search: { add: 'true' },
    })
  const order = { bad: 0, warn: 1, accent: 2 }
  return items.sort((a, b) => order[a.tone] - order[b.tone])
}
