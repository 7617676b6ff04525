/**
 * What second attempts may cost that run beside a late first one: of each request's spend a share goes into a bucket of its policy,
 * and what the attempt costs that the client does not get comes out of it. A bucket may owe, since the cost is known only afterwards;
 * what it saved fades, so that a calm hour pays for no storm.
 */
const fadeMs = 10 * 60_000
/** Policies that are remembered; a forgotten one begins with an empty bucket. */
const rememberedPolicies = 10_000

/** How a policy hedges. */
export interface Hedging {
  /** Unique among all organisations. */
  policy: string
  /** Share of the spend of all its requests. */
  maxSpend: number
  /** Only at another deployment of the same model: a conversation that goes on keeps its model. */
  keepsModel?: boolean
}

interface Bucket { nano: number; atMs: number }

export class HedgeBudget {
  readonly #buckets = new Map<string, Bucket>()
  /** Since the start. `won`: the second attempt was the one that the client got; `refused`: for want of spend. */
  readonly counts = { started: 0, won: 0, lost: 0, refused: 0 }
  /** What the client did not get. */
  spentNano = 0

  /** Whether a second attempt may be made that loses so much. What costs nothing always may. */
  hasRoom({ policy }: Hedging, likelyNano: number, nowMs: number): boolean {
    if (likelyNano === 0 || likelyNano <= this.#of(policy, nowMs).nano) return true
    this.counts.refused++
    return false
  }

  /** Taken before it is dispatched, so that many at once do not count on the same spend. */
  take({ policy }: Hedging, likelyNano: number, nowMs: number): void {
    this.#of(policy, nowMs).nano -= likelyNano
    this.counts.started++
  }

  /** A request of the policy is over: what its client's answer cost, what was taken for a second attempt, and what was lost by it. */
  over({ policy, maxSpend }: Hedging, costNano: number, takenNano: number, lostNano: number, nowMs: number): void {
    this.#of(policy, nowMs).nano += maxSpend * costNano + takenNano - lostNano
    this.spentNano += lostNano
  }

  #of(policy: string, nowMs: number): Bucket {
    let bucket = this.#buckets.get(policy)
    if (bucket === undefined) {
      if (this.#buckets.size >= rememberedPolicies) this.#buckets.delete(this.#buckets.keys().next().value!)
      this.#buckets.set(policy, (bucket = { nano: 0, atMs: nowMs }))
    } else if (bucket.nano > 0) bucket.nano *= Math.exp((bucket.atMs - nowMs) / fadeMs)
    bucket.atMs = nowMs
    return bucket
  }
}
