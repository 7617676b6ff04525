/**
 * Whether a vendor takes a credential, found without cost: by its list of models or, where that says nothing of the key, by a chat
 * request that cannot be answered. A made-up key asked the same tells whether the answer had to do with the key at all.
 */
import { secretsIn } from '../../providers/auth/parts.ts'
import { CredentialError } from '../../providers/auth/token.ts'
import { atBaseUrl } from '../../providers/provider.ts'
import { parseModelList } from '../models/parse-list.ts'
import { failureText, type Ask, type Asked, type Reply } from './ask.ts'
import { vendorWords } from './words.ts'

export interface CredentialCheck {
  /** Unchecked: the vendor could not be asked, or its answer says nothing of the key. */
  state: 'accepted' | 'refused' | 'unchecked'
  /** HTTP status of the answer that decided, 0 when none came. */
  status: number
  /** What was found, in the vendor's own words where it has some, and what to do. Holds nothing like a key. */
  message: string
  latencyMs: number
  /** Epoch ms. */
  at: number
}

type Finding = Pick<CredentialCheck, 'state' | 'status' | 'message'>
type Questions = Record<'list' | 'chat', (secret: string) => Promise<Reply>>

/** Of all questions of one check together. */
const wholeMs = 20_000
const mostRemembered = 10_000
const madeUpKey = 'megarouter-made-up-key'
/** Two mistakes, so that no vendor can answer it: no such model, and no messages. */
const unanswerable = JSON.stringify({ model: 'megarouter-credential-check', messages: [], max_tokens: 1 })

/** Google and xAI say 400 to a wrong key. */
const wrongKey = /invalid|incorrect|not valid|wrong|expired|missing|malformed|revoked/i
export const refuses = ({ status, text }: Reply): boolean => status === 401 || status === 403 || (status === 400 && /api[ _-]?key/i.test(text) && wrongKey.test(text))
const isBusy = ({ status }: Reply): boolean => status === 429 || status >= 500
const isGood = ({ status }: Reply): boolean => status >= 200 && status < 300

const wordsOf = (reply: Reply, secret: string): string => {
  // Of a credential of several parts the names and what is no secret are words like others.
  const [whole = '', ...parts] = secretsIn(secret)
  const words = vendorWords(reply.text, secret.startsWith('{') ? parts.join('\n') : whole)
  return words === null ? '' : `: “${words.replace(/\.$/, '')}”`
}

const refused = ({ vendor }: Asked, reply: Reply, secret: string): Finding => ({
  state: 'refused', status: reply.status,
  message: secret === ''
    ? `${vendor.name} wants a credential (${reply.status})${wordsOf(reply, secret)}. Add one.`
    : `${vendor.name} refused the credential (${reply.status})${wordsOf(reply, secret)}. Check that it was copied whole and is active${vendor.docs === '' ? '' : `; see ${vendor.docs}`}.`,
})

function unasked({ vendor, baseUrl }: Asked, reply: Reply, secret: string): Finding {
  const { status } = reply
  const told = (message: string): Finding => ({ state: 'unchecked', status, message })
  if (status === 429) return told(`${vendor.name} says that its rate limit or quota is used up (429)${wordsOf(reply, secret)}. The credential may be right; try again later.`)
  if (status >= 500) return told(`${vendor.name} answered with status ${status}${wordsOf(reply, secret)}. Try again; if it stays, look at the vendor’s status page.`)
  if (status >= 300 && status < 400) return told(`${baseUrl} redirects (${status}). Redirects are not followed; set the final address as the base URL.`)
  if (status === 404) return told(`There is no ${baseUrl}${vendor.modelsPath ?? vendor.check?.path ?? '/chat/completions'} (404). Check the base URL: it usually ends in /v1.`)
  if (isGood(reply)) return told(`The address answers, but not with a list of models. Check the base URL ${baseUrl}: it usually ends in /v1.`)
  return told(`${vendor.name} answered with status ${status}${wordsOf(reply, secret)}.`)
}

/** By the list; null where it leaves the question open. */
async function byList(provider: Asked, list: Reply, ask: Questions, secret: string): Promise<Finding | null> {
  const { vendor } = provider
  const { status } = list
  if (isBusy(list) || (status >= 300 && status < 400)) return unasked(provider, list, secret)
  if (status === 402) return { state: 'accepted', status, message: `${vendor.name} knows the credential and asks for payment (402)${wordsOf(list, secret)}. Requests fail until the account has credit.` }
  if (secret === '' && refuses(list)) return refused(provider, list, secret)
  const models = isGood(list) && !list.cut ? parseModelList(list.text) : null
  if (secret === '' && models === null) return unasked(provider, list, secret)
  if (models === null) return null
  const offers = `offers ${models.length} models`
  if (secret === '') return { state: 'accepted', status, message: `${vendor.name} answers without a credential and ${offers}.` }
  if (refuses(await ask.list(madeUpKey))) return { state: 'accepted', status, message: `${vendor.name} accepts the credential and ${offers}.` }
  return vendor.selfHosted === true ? { state: 'accepted', status, message: `${vendor.name} answers with any credential and ${offers}.` } : null
}

async function examine(provider: Asked, ask: Questions, secret: string): Promise<Finding> {
  const { vendor } = provider
  const list = vendor.modelsPath === null ? null : await ask.list(secret)
  const found = list === null ? null : await byList(provider, list, ask, secret)
  if (found !== null) return found
  if (secret === '') return { state: 'unchecked', status: 0, message: `${vendor.name} has no list of models: the first request will tell whether it answers.` }
  const chat = await ask.chat(secret)
  const known = vendor.check?.known
  if (known !== undefined && chat.status === 403 && chat.text.includes(known)) {
    return { state: 'accepted', status: chat.status, message: `${vendor.name} knows the credential${wordsOf(chat, secret)}. It may be allowed certain models alone; a request to one of them will tell.` }
  }
  if (refuses(chat)) return refused(provider, list !== null && refuses(list) ? list : chat, secret)
  if (!isBusy(chat) && chat.status >= 400 && refuses(await ask.chat(madeUpKey))) {
    const but = list === null || isGood(list) ? '' : `, but not for its list of models (${list.status})${wordsOf(list, secret)}`
    const credit = chat.status === 402 ? ` It asks for payment (402)${wordsOf(chat, secret)}.` : ''
    return { state: 'accepted', status: chat.status, message: `${vendor.name} accepts the credential${but}.${credit}` }
  }
  if (list !== null && refuses(list)) return refused(provider, list, secret)
  if (list !== null && (!isGood(list) || list.cut || parseModelList(list.text) === null)) return unasked(provider, list, secret)
  if (isBusy(chat)) return unasked(provider, chat, secret)
  return { state: 'unchecked', status: chat.status, message: `${vendor.name} answers a made-up key in the same way (${chat.status}), so only a request that costs something tells whether this one works.` }
}

/** An empty secret asks without a credential. Never rejects. */
export async function checkCredential(ask: Ask, asked: Asked, secret: string, nowMs: number, signal?: AbortSignal): Promise<CredentialCheck> {
  const startedAt = performance.now()
  const provider = { ...asked, vendor: atBaseUrl(asked.vendor, asked.baseUrl) }
  const { path, body } = provider.vendor.check ?? { path: '/chat/completions', body: unanswerable }
  const whole = AbortSignal.timeout(wholeMs)
  const more = { signal: signal === undefined ? whole : AbortSignal.any([whole, signal]) }
  const questions: Questions = {
    list: (key) => ask(provider, { path: provider.vendor.modelsPath ?? '', secret: key, ...more }),
    chat: (key) => ask(provider, { path, secret: key, body, ...more }),
  }
  const finding = await examine(provider, questions, secret).catch((error: unknown): Finding => {
    const isRefused = error instanceof CredentialError && error.isRefusal
    return isRefused ? { state: 'refused', status: error.status, message: `${error.message}. Check that the credential was copied whole and is active; see ${provider.vendor.docs}.` } : { state: 'unchecked', status: 0, message: failureText(error, provider) }
  })
  return { ...finding, latencyMs: Math.round((performance.now() - startedAt) * 10) / 10, at: nowMs }
}

/** Of several credentials of one provider, a few at a time, in their order. */
export async function checkAll<Credential extends { secret: string }>(ask: Ask, provider: Asked, credentials: readonly Credential[], nowMs: number): Promise<{ credential: Credential; check: CredentialCheck }[]> {
  const done: { credential: Credential; check: CredentialCheck }[] = []
  const together = 4
  for (let at = 0; at < credentials.length; at += together) {
    done.push(...await Promise.all(credentials.slice(at, at + together).map(async (credential) => ({ credential, check: await checkCredential(ask, provider, credential.secret, nowMs) }))))
  }
  return done
}

/** What the last check of each credential found, by id. Kept in memory, since what a vendor said yesterday is no news. */
export class Checks {
  readonly #found = new Map<string, CredentialCheck>()

  get(credentialId: string): CredentialCheck | null {
    return this.#found.get(credentialId) ?? null
  }

  set(credentialId: string, check: CredentialCheck): void {
    this.#found.delete(credentialId)
    this.#found.set(credentialId, check)
    if (this.#found.size > mostRemembered) for (const oldest of this.#found.keys()) return void this.#found.delete(oldest)
  }
}
