/** Which of a provider's credentials a call uses: in turn, passing over those that were just refused or limited. */
import type { Provider } from '../gateway/snapshot.ts'

const refusedMs = 60_000

export class CredentialTurns {
  readonly #restUntilMs = new Map<string, number>()
  readonly #turn = new Map<string, number>()

  /** The next credential that is not in `tried`; null when all were. A provider without credentials has the one named ''. */
  pick(provider: Provider, tried: ReadonlySet<string>, nowMs: number): { id: string; secret: string } | null {
    const all = provider.credentials
    if (all.length === 0) return tried.has('') ? null : { id: '', secret: '' }
    const start = (this.#turn.get(provider.id) ?? -1) + 1
    let resting: { id: string; secret: string } | null = null
    for (let i = 0; i < all.length; i++) {
      const credential = all[(start + i) % all.length]!
      if (tried.has(credential.id)) continue
      if ((this.#restUntilMs.get(credential.id) ?? 0) > nowMs) {
        resting ??= credential
        continue
      }
      this.#turn.set(provider.id, (start + i) % all.length)
      return credential
    }
    // Better a credential that may still be limited than no answer at all.
    return resting
  }

  rest(credentialId: string, forMs: number | null, nowMs: number): void {
    this.#restUntilMs.set(credentialId, nowMs + (forMs ?? refusedMs))
  }
}
