/**
 * Whether a request may run now: rate limits of everything above it once for the request, those of models, tags and end users when an
 * attempt is about to need them, and budgets of all of them for each attempt. All or nothing each time, synchronous unless a budget has
 * to be opened first.
 */
import type { Clock } from '../clock.ts'
import type { Failure } from '../errors.ts'
import type { Asked } from '../gateway/exchange.ts'
import type { Deployment, KeyEntry, OrganisationData } from '../gateway/snapshot.ts'
import type { Account, Ancestor } from '../ledger/account.ts'
import type { EndpointKind } from '../protocols/protocol.ts'
import { boundOf } from '../ledger/bound.ts'
import type { Calibration } from '../ledger/calibration.ts'
import type { Hold } from '../ledger/hold.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { noMarks, type RepeatMark, type Target } from '../ledger/records.ts'
import { matchesModel } from './model-patterns.ts'
import { ancestorOf, labelOf, principalOf, scopeOf, type Policies, type Principal, type Watched } from './principal.ts'
import type { Pass, RateLimits, Scope } from './rate-limits.ts'
import { entityOf, type GovernanceRow, type SubjectKind } from './rows.ts'
import { GovernanceState, type OrgState } from './state.ts'
import { News, standingOf, type Standing, type ThresholdNews } from './standing.ts'

export interface AttemptAsk {
  requestId: string
  attempt: number
  asked: Asked
  capability: EndpointKind
  deployment: Deployment
  repeat: RepeatMark | null
}

/** Found once for each key entry, and again when something that it was made of has changed. */
interface Known { principal: Principal; organisation: OrganisationData | undefined; state: OrgState; version: number; untilMs: number }

export class Admission {
  readonly ledger: Ledger
  readonly calibration: Calibration
  readonly limits: RateLimits
  readonly governance: GovernanceState
  readonly #clock: Clock
  readonly #known = new WeakMap<KeyEntry, Known>()
  readonly #news = new News()
  /** Budgets with thresholds that were met, by their id: the accounts know no more of them. */
  readonly #watched = new Map<string, { org: string; rule: Watched }>()

  constructor(ledger: Ledger, calibration: Calibration, limits: RateLimits, clock: Clock, governance: GovernanceState = new GovernanceState(() => {})) {
    this.ledger = ledger
    this.calibration = calibration
    this.limits = limits
    this.governance = governance
    this.#clock = clock
    ledger.onTaken = (account) => {
      const watched = this.#watched.get(account.rule)
      if (watched !== undefined) this.#news.look(watched.org, watched.rule, account, clock.epochMs())
    }
  }

  /** What stands above a key now. */
  principal(key: KeyEntry, policies: Policies): Principal {
    const organisation = policies.organisations.get(key.org)
    const known = this.#known.get(key)
    if (known !== undefined && known.organisation === organisation && known.version === known.state.version && (known.untilMs === Infinity || this.#clock.epochMs() < known.untilMs)) return known.principal
    const state = this.governance.of(key.org)
    const { principal, untilMs } = principalOf(key, state, policies, this.#clock.epochMs())
    this.watch(key.org, principal.watched)
    this.#known.set(key, { principal, organisation, state, version: state.version, untilMs })
    return principal
  }

  /** `tokens` is the estimate that token limits are charged with until the request has ended. */
  admit(key: KeyEntry, policies: Policies, tokens: number): Lease | Failure {
    const principal = this.principal(key, policies)
    const pass = this.limits.admit(principal.scopes, tokens, this.#clock.epochMs())
    return 'code' in pass ? pass : new Lease(this, principal, this.governance.of(key.org), policies.version, pass, tokens, this.#clock)
  }

  /** Of a request that is only thought of: it has no place and takes nothing. */
  trial(key: KeyEntry, policies: Policies): Lease {
    const pass = this.limits.admit(none, 0, this.#clock.epochMs())
    if ('code' in pass) throw new Error('a request without limits was refused by one')
    return new Lease(this, this.principal(key, policies), this.governance.of(key.org), policies.version, pass, 0, this.#clock)
  }

  /** `x-ratelimit-*` for a request that was refused. */
  headers(key: KeyEntry, policies: Policies): Record<string, string> {
    return this.limits.headers(this.principal(key, policies).scopes, this.#clock.epochMs())
  }

  /** Whether any budget has thresholds at all. */
  get hasThresholds(): boolean {
    return this.governance.hasThresholds
  }

  /** Thresholds that were reached or left since it was asked last. */
  takeNews(): ThresholdNews[] {
    return this.#news.take()
  }

  /** The ledger tells when one of their levels is reached. */
  watch(org: string, watched: readonly Watched[]): void {
    for (const rule of watched) this.#watched.set(rule.ancestor.rule, { org, rule })
  }

  /** What thresholds say at these amounts, and whether one that was told holds no longer. */
  standing(org: string, watched: readonly Watched[], accounts: readonly Account[]): Standing | null {
    const now = this.#clock.epochMs()
    for (let i = 0; i < watched.length; i++) if (accounts[i] !== undefined) this.#news.look(org, watched[i]!, accounts[i]!, now)
    return standingOf(watched, accounts)
  }

  /** Budgets that were changed or removed: streams that run feel it now. */
  changed(rows: readonly GovernanceRow[], { version, organisations }: Policies): void {
    for (const row of rows) {
      if (row.type !== 'budget' && row.type !== 'increase') continue
      const state = this.governance.of(row.org)
      const budget = state.budgets.byId.get(row.type === 'budget' ? row.id : row.budget)
      if (budget === undefined) continue
      const name = state.nodes.get(budget.subject)?.name ?? state.people.get(budget.subject)?.name ?? budget.subject
      this.ledger.changed(ancestorOf(state.ruleOf(budget), labelOf(budget.subjectKind, name, budget.name), organisations.get(row.org)?.timeZone ?? 'UTC', version, this.#clock.epochMs()))
    }
  }
}

const none: readonly never[] = []
const targetKinds = ['model', 'vendor'] as const

export class Lease {
  readonly principal: Principal
  readonly #admission: Admission
  readonly #state: OrgState
  readonly #version: number
  readonly #pass: Pass
  readonly #tokens: number
  readonly #clock: Clock
  /** Of tags and the end user. */
  #ancestors: readonly Ancestor[] = none
  #scopes: readonly Scope[] = none
  #watched: readonly Watched[]
  #marks: readonly string[] = noMarks
  /** Of limits that were met on the way. */
  #more: Pass[] | null = null
  #covered: Set<string> | null = null
  /** Refused by such a limit. */
  #isLimited = false
  #hasRun = false

  constructor(admission: Admission, principal: Principal, state: OrgState, version: number, pass: Pass, tokens: number, clock: Clock) {
    this.principal = principal
    this.#admission = admission
    this.#state = state
    this.#version = version
    this.#pass = pass
    this.#tokens = tokens
    this.#clock = clock
    this.#watched = principal.watched
  }

  /** Whether budgets or limits of end users are there, so that it matters who it is. */
  get asksEndUser(): boolean {
    return this.#has('end_user')
  }

  /** What is known of the request by now, before its first attempt. */
  about(tags: readonly string[], endUser: string | null): void {
    if (tags.length > 0 && this.#has('tag')) for (const tag of tags) this.#mark('tag', tag)
    if (endUser !== null && this.#has('end_user')) this.#mark('end_user', endUser)
  }

  /** What thresholds say of a request that would go there first. A promise where a budget has to be opened. */
  standing(first: Deployment): Standing | null | Failure | Promise<Standing | null | Failure> {
    const watched = this.#watchedFor(first)
    if (watched.length === 0) return null
    const accounts = this.#admission.ledger.accountsOf(watched.map(({ ancestor }) => ancestor))
    return accounts instanceof Promise ? accounts.then((failed) => failed ?? this.standing(first)) : this.#admission.standing(this.#state.org, watched, accounts)
  }

  /** Reserves what one attempt may cost, on every ancestor's budget or on none. */
  hold(ask: AttemptAsk): Hold | Failure | Promise<Hold | Failure> {
    const limited = this.#cover(ask.deployment)
    if (limited !== null) {
      this.#isLimited = true
      return limited
    }
    return this.#hold(ask)
  }

  /** The request is over: frees its place and corrects token and spend limits. Idempotent. */
  release(tokens: number, nano: number): void {
    const now = this.#clock.epochMs()
    if (this.#isLimited && !this.#hasRun) this.#pass.undo(now)
    else this.#pass.release(tokens, nano, now)
    if (this.#more !== null) for (const pass of this.#more) pass.release(tokens, nano, now)
  }

  /** `x-ratelimit-*` headers for the answer; empty when nothing is limited. */
  headers(): Record<string, string> {
    return this.#pass.headers(this.#clock.epochMs(), this.#more)
  }

  /** All budgets and limits that an attempt there would meet. */
  meets(deployment: Deployment): { ancestors: readonly Ancestor[]; scopes: readonly Scope[] } {
    return { ancestors: this.#ancestorsFor(deployment), scopes: [...this.principal.scopes, ...this.#scopesFor(deployment)] }
  }

  #hold(ask: AttemptAsk): Hold | Failure | Promise<Hold | Failure> {
    const accounts = this.#admission.ledger.accountsOf(this.#ancestorsFor(ask.deployment))
    // In one step from the choice of the accounts to the hold: a budget may change while something is waited for.
    return accounts instanceof Promise ? accounts.then((failed) => failed ?? this.#hold(ask)) : this.#holdIn(accounts, ask)
  }

  #holdIn(accounts: Account[], ask: AttemptAsk): Hold | Failure | Promise<Hold | Failure> {
    const { requestId, attempt, asked, capability, deployment, repeat } = ask
    const { ledger, calibration } = this.#admission
    const { mode, freeNano, by } = ledger.terms(accounts)
    const bound = boundOf(asked, capability, deployment, mode, freeNano, calibration, by)
    if ('code' in bound) return bound
    const held = ledger.hold({ requestId, attempt, tenant: this.principal.tenant, target: targetOf(deployment), mode, stream: asked.stream, repeat, marks: this.#marks }, bound, accounts)
    if (held instanceof Promise) return held.then((refused) => refused ?? this.#hold(ask))
    this.#hasRun = true
    return held
  }

  #has(kind: SubjectKind): boolean {
    const { budgets, limits } = this.#state
    return (budgets.counts.get(kind) ?? 0) + (limits.counts.get(kind) ?? 0) > 0
  }

  #mark(kind: 'tag' | 'end_user', text: string): void {
    const entity = entityOf(this.#state.org, kind, text)
    const found = this.#rulesOf(kind, text)
    if (found.length > 0 && !this.#marks.includes(entity)) {
      this.#marks = [...this.#marks, entity]
      this.#ancestors = [...this.#ancestors, ...found.map(({ ancestor }) => ancestor)]
      this.#watch(found)
    }
    const limits = this.#state.limits.of(entity)
    if (limits.length > 0) this.#scopes = [...this.#scopes, ...limits.map((row) => scopeOf(row, text, this.principal.whom.org))]
  }

  #rulesOf(kind: SubjectKind, text: string): Watched[] {
    const now = this.#clock.epochMs()
    return this.#state.budgetsOf(entityOf(this.#state.org, kind, text)).map((rule) => ({
      ancestor: ancestorOf(rule, labelOf(kind, text, rule.row.name), this.principal.timeZone, this.#version, now, this.principal.whom.org), thresholds: rule.row.thresholds,
    }))
  }

  /** Of the model and the vendor that an attempt goes to. */
  #ofTarget({ logicalModel, provider }: Deployment): readonly Watched[] {
    const { counts } = this.#state.budgets
    if (counts.size === 0) return none
    const found: Watched[] = []
    for (const kind of targetKinds) if ((counts.get(kind) ?? 0) > 0) found.push(...this.#rulesOf(kind, kind === 'model' ? logicalModel : provider.vendor.id))
    return found
  }

  #ancestorsFor(deployment: Deployment): readonly Ancestor[] {
    const ofTarget = this.#ofTarget(deployment)
    if (this.#ancestors.length === 0 && ofTarget.length === 0) return this.principal.ancestors
    this.#watch(ofTarget)
    return [...this.principal.ancestors, ...this.#ancestors, ...ofTarget.map(({ ancestor }) => ancestor)]
  }

  #watchedFor(deployment: Deployment): readonly Watched[] {
    this.#watch(this.#ofTarget(deployment))
    return this.#watched
  }

  #watch(rules: readonly Watched[]): void {
    const found = rules.filter(({ thresholds, ancestor }) => thresholds.length > 0 && !this.#watched.some((known) => known.ancestor.rule === ancestor.rule))
    if (found.length === 0) return
    this.#watched = [...this.#watched, ...found]
    this.#admission.watch(this.#state.org, found)
  }

  /** Limits of tags, the end user, the model and the vendor. */
  #scopesFor(deployment: Deployment): readonly Scope[] {
    const { modelScopes } = this.principal
    const { counts } = this.#state.limits
    if (modelScopes.length === 0 && this.#scopes.length === 0 && counts.size === 0) return none
    const scopes: Scope[] = [...this.#scopes]
    const pinned = `${deployment.provider.id}/${deployment.upstreamModel}`
    // As policies do: what serves is meant, not the name that was asked for.
    for (const scope of modelScopes) if (matchesModel([scope.models], deployment.logicalModel) || matchesModel([scope.models], pinned)) scopes.push(scope)
    for (const kind of targetKinds) {
      if ((counts.get(kind) ?? 0) === 0) continue
      const text = kind === 'model' ? deployment.logicalModel : deployment.provider.vendor.id
      for (const row of this.#state.limits.of(entityOf(this.#state.org, kind, text))) scopes.push(scopeOf(row, text, this.principal.whom.org))
    }
    return scopes
  }

  /** Takes the limits that an attempt there is the first to meet: all of them or none. */
  #cover(deployment: Deployment): Failure | null {
    const scopes = this.#scopesFor(deployment)
    if (scopes.length === 0) return null
    const wanted = this.#covered === null ? scopes : scopes.filter(({ entity }) => !this.#covered!.has(entity))
    if (wanted.length === 0) return null
    const pass = this.#admission.limits.admit(wanted, this.#tokens, this.#clock.epochMs())
    if ('code' in pass) return pass
    ;(this.#more ??= []).push(pass)
    this.#covered ??= new Set()
    for (const { entity } of wanted) this.#covered.add(entity)
    return null
  }
}

const targets = new WeakMap<Deployment, Target>()

function targetOf(deployment: Deployment): Target {
  let target = targets.get(deployment)
  if (!target) {
    const { id, provider, logicalModel, upstreamModel, price } = deployment
    target = { vendor: provider.vendor.id, provider: provider.id, deployment: id, model: logicalModel, upstreamModel, priceVersion: price?.version ?? null }
    targets.set(deployment, target)
  }
  return target
}
