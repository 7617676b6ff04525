/** Tests a provider with every credential that it has, and sums it up in one verdict: the worst one counts. */
import type { ProviderData } from '../../gateway/snapshot.ts'
import type { Ask } from './ask.ts'
import { checkAll, type CredentialCheck } from './check.ts'

export interface ProbeResult extends CredentialCheck {
  credentials: { id: string; last4: string; check: CredentialCheck }[]
}

const worstFirst = ['refused', 'unchecked', 'accepted'] as const

export async function probe(ask: Ask, provider: ProviderData, nowMs: number): Promise<ProbeResult> {
  const none = { id: '', secret: '', last4: '' }
  const done = await checkAll(ask, provider, provider.credentials.length === 0 ? [none] : provider.credentials, nowMs)
  const worst = worstFirst.flatMap((state) => done.find(({ check }) => check.state === state) ?? [])[0]
  if (worst === undefined) throw new Error('at least one check was made')
  const credentials = done.filter(({ credential }) => credential !== none).map(({ credential: { id, last4 }, check }) => ({ id, last4, check }))
  if (credentials.length < 2) return { ...worst.check, credentials }
  const accepted = credentials.filter(({ check }) => check.state === 'accepted').length
  const which = worst.check.state === 'accepted' ? '' : ` The one ending in ${worst.credential.last4}: ${worst.check.message}`
  const first = done[0]?.check
  return { ...worst.check, latencyMs: first?.latencyMs ?? 0, message: `${provider.vendor.name} accepts ${accepted} of ${credentials.length} credentials.${which}`, credentials }
}
