/**
 * Which of a provider's credentials a call uses: in turn, passing over those that rest. One that was refused (401), or has nothing
 * left to pay with, rests for all models; one that is limited, may not use a model, or got no token, for that model alone.
 */
import type { FaultClass } from '../protocols/protocol.ts'
import type { Provider } from '../gateway/snapshot.ts'
import { longestRestMs } from './cooldown.ts'

export interface Credential { id: string; secret: string }

/** Refused and unpaid credentials need somebody's hand, so they rest long. */
const refusedMs = longestRestMs
const unpaidMs = 300_000
/** A model that the vendor does not have, or not for this credential. */
const withoutModelMs = 60_000
/** A limit whose end nobody told: doubled each time it is met again at once. */
const firstLimitedMs = 5_000
const longestLimitedMs = 60_000
/** What is remembered: credentials of the operator, and for each the models, whose names may come from clients. */
const rememberedCredentials = 10_000
const rememberedModels = 200

interface Rest { untilMs: number; forMs: number }

interface Known {
  provider: string
  last4: string
  /** Needs somebody's hand; cleared by the first call that works. */
  trouble: 'refused' | 'unpaid' | null
  all: Rest
  /** By upstream model. */
  models: Map<string, Rest> | null
}

export interface CredentialTrouble { id: string; provider: string; last4: string; trouble: 'refused' | 'unpaid' }

const none: Credential = { id: '', secret: '' }

export class CredentialTurns {
  readonly #known = new Map<string, Known>()
  readonly #turn = new Map<string, number>()

  /** The next credential that is not in `tried` and does not rest; `restingToo`: else one that does. A provider without credentials has the one named ''. */
  pick(provider: Provider, model: string, tried: readonly string[], nowMs: number, restingToo: boolean): Credential | null {
    const all = provider.credentials
    if (all.length === 0) return tried.length > 0 ? null : none
    const start = all.length === 1 ? 0 : (this.#turn.get(provider.identity) ?? -1) + 1
    let soonest: Credential | null = null
    let soonestMs = Infinity
    for (let i = 0; i < all.length; i++) {
      const at = (start + i) % all.length
      const credential = all[at]!
      if (tried.includes(credential.id)) continue
      const untilMs = this.restsUntilMs(credential.id, model)
      if (untilMs <= nowMs) {
        if (all.length > 1) this.#turn.set(provider.identity, at)
        return credential
      }
      if (untilMs < soonestMs) {
        soonest = credential
        soonestMs = untilMs
      }
    }
    return restingToo ? soonest : null
  }

  /** Whether one of them could be used now. Takes no turn. */
  hasRested({ credentials }: Provider, model: string, tried: readonly string[], nowMs: number): boolean {
    if (credentials.length === 0) return tried.length === 0
    for (const { id } of credentials) if (!tried.includes(id) && this.restsUntilMs(id, model) <= nowMs) return true
    return false
  }

  restsUntilMs(id: string, model: string): number {
    const known = this.#known.get(id)
    if (known === undefined) return 0
    return Math.max(known.all.untilMs, known.models?.get(model)?.untilMs ?? 0)
  }

  /** A call with it failed. `askedMs`: how long the vendor asks to wait, null where it does not say. */
  failed(provider: Provider, id: string, model: string, fault: FaultClass, status: number, askedMs: number | null, nowMs: number): void {
    if (id === '') return
    const known = this.#of(provider, id, nowMs)
    if (fault === 'quota' || (fault === 'auth' && status !== 403 && status < 500)) {
      known.trouble = fault === 'quota' ? 'unpaid' : 'refused'
      known.all = { untilMs: nowMs + (fault === 'quota' ? bounded(askedMs ?? unpaidMs) : refusedMs), forMs: 0 }
    } else if (fault === 'rate_limit') this.#restModel(known, model, askedMs, nowMs)
    else this.#restModel(known, model, withoutModelMs, nowMs)
  }

  /** The vendor said that nothing is left of a limit for so long. */
  spent(provider: Provider, id: string, model: string, forMs: number, nowMs: number): void {
    if (id !== '' && forMs > 0) this.#restModel(this.#of(provider, id, nowMs), model, forMs, nowMs)
  }

  worked(id: string): void {
    const known = this.#known.get(id)
    if (known === undefined || known.trouble === null) return
    known.trouble = null
    known.all = { untilMs: 0, forMs: 0 }
  }

  /** Credentials that need somebody's hand. */
  troubles(): CredentialTrouble[] {
    const found: CredentialTrouble[] = []
    for (const [id, { provider, last4, trouble }] of this.#known) if (trouble !== null) found.push({ id, provider, last4, trouble })
    return found
  }

  /** How many of a provider's credentials rest for all models now. */
  resting(nowMs: number): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { provider, all, models } of this.#known.values()) {
      let rests = all.untilMs > nowMs
      if (!rests && models !== null) for (const { untilMs } of models.values()) rests ||= untilMs > nowMs
      if (rests) counts.set(provider, (counts.get(provider) ?? 0) + 1)
    }
    return counts
  }

  #restModel(known: Known, model: string, askedMs: number | null, nowMs: number): void {
    known.models ??= new Map()
    const before = known.models.get(model)
    if (before === undefined && known.models.size >= rememberedModels) forgetOne(known.models, nowMs)
    let forMs = askedMs === null ? firstLimitedMs : bounded(askedMs)
    // Several calls that ran at the same time are told of the same limit: one rest, not several.
    if (askedMs === null && before !== undefined) {
      if (nowMs < before.untilMs) return
      if (nowMs < before.untilMs + longestLimitedMs) forMs = Math.min(longestLimitedMs, Math.max(firstLimitedMs, before.forMs * 2))
    }
    known.models.set(model, { untilMs: nowMs + forMs, forMs: askedMs === null ? forMs : 0 })
  }

  #of({ id: provider, credentials }: Provider, id: string, nowMs: number): Known {
    let known = this.#known.get(id)
    if (known === undefined) {
      if (this.#known.size >= rememberedCredentials) this.#forgetOne(nowMs)
      known = { provider, last4: credentials.find((each) => each.id === id)?.last4 ?? '', trouble: null, all: { untilMs: 0, forMs: 0 }, models: null }
      this.#known.set(id, known)
    }
    return known
  }

  /** One that no longer rests, else the oldest. */
  #forgetOne(nowMs: number): void {
    let oldest: string | undefined
    for (const [id, { all }] of this.#known) {
      oldest ??= id
      if (all.untilMs > nowMs) continue
      oldest = id
      break
    }
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}

const bounded = (ms: number): number => Math.min(longestRestMs, Math.max(0, ms))

function forgetOne(rests: Map<string, Rest>, nowMs: number): void {
  let oldest: string | undefined
  for (const [model, { untilMs }] of rests) {
    oldest ??= model
    if (untilMs > nowMs) continue
    oldest = model
    break
  }
  if (oldest !== undefined) rests.delete(oldest)
}
