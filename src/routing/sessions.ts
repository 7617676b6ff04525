/**
 * What a session holds on to: its arm, and what vendors have cached of its prompt. Sessions are a few
 * hundred bytes each, bounded in number, and forgotten when they rest: then the next request is a first one.
 */
import { uncached, type CacheState } from './cost.ts'

export const mostSessions = 50_000
const forgottenAfterMs = 3_600_000
const armsPerSession = 4

interface Cached { tokens: number; prefix: number; untilMs: number }
export interface Session { arm: string; seenMs: number; cached: Map<string, Cached> }

/** How a vendor caches: least tokens, how long they stay, and whether a write is billed by itself. */
export interface CacheRules { leastTokens: number; ttlMs: number; billsWrites: boolean }

/** Where writes are billed by themselves, nothing is cached that the request does not mark. */
export const rulesFor = ({ facts: { cache } }: { facts: { cache: CacheRules | null } }, marksCache: boolean): CacheRules | null => (cache?.billsWrites === true && !marksCache ? null : cache)

export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #most: number
  constructor(most = mostSessions) {
    this.#most = most
  }

  get size(): number {
    return this.#sessions.size
  }

  find(id: string, nowMs: number): Session | null {
    const session = this.#sessions.get(id)
    if (session === undefined) return null
    if (nowMs - session.seenMs <= forgottenAfterMs) return session
    this.#sessions.delete(id)
    return null
  }

  /** What this arm's vendor would read from its cache of a prompt that starts as `prefix` says. */
  cacheState(session: Session | null, arm: string, promptTokens: number, prefix: number, rules: CacheRules | null, nowMs: number): CacheState {
    if (rules === null || promptTokens < rules.leastTokens) return uncached
    const cached = session?.cached.get(arm)
    const read = cached !== undefined && cached.untilMs > nowMs && cached.prefix === prefix ? Math.min(cached.tokens, promptTokens) : 0
    if (!rules.billsWrites) return read === 0 ? uncached : { read, write: 0 }
    return { read, write: promptTokens - read }
  }

  /** After a request was sent: the arm has now seen the prompt. */
  note(id: string, arm: string, promptTokens: number, prefix: number, rules: CacheRules | null, nowMs: number): void {
    const session = this.find(id, nowMs) ?? { arm, seenMs: nowMs, cached: new Map<string, Cached>() }
    session.arm = arm
    session.seenMs = nowMs
    if (rules !== null && promptTokens >= rules.leastTokens) {
      session.cached.delete(arm)
      session.cached.set(arm, { tokens: promptTokens, prefix, untilMs: nowMs + rules.ttlMs })
      if (session.cached.size > armsPerSession) for (const first of session.cached.keys()) { session.cached.delete(first); break }
    }
    // The map is in the order of use: the first one rested longest.
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    if (this.#sessions.size > this.#most) for (const first of this.#sessions.keys()) { this.#sessions.delete(first); break }
  }
}
