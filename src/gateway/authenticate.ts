/** Whose request is this? Every credential carrier leads to the same check; an outage of the key table is 503, never 401. */
import type { IncomingMessage } from 'node:http'
import { failure, type Failure } from '../errors.ts'
import { checkKeyFormat } from '../governance/key-format.ts'
import type { Admission } from '../governance/admission.ts'
import { mayComeFrom } from './address-list.ts'
import type { Exchange } from './exchange.ts'
import type { KeyIndex } from './key-index.ts'
import { viewOf, type KeyEntry } from './snapshot.ts'

/** Without news from the key table for this long an unknown key may be a new one. */
const staleAfterMs = 15_000

export function authenticate(exchange: Exchange, keys: KeyIndex, admission: Admission): Failure | null {
  exchange.enter('authenticate')
  const text = credential(exchange.request)
  if (text === null && isSigned(exchange.request)) {
    return failure('missing_api_key', 'The request is signed with an AWS access key, which says nothing here. Give the client a key of this gateway in its place: AWS_BEARER_TOKEN_BEDROCK=mr-…, or AWS_ACCESS_KEY_ID=mr-… where it sends no bearer token. Keys are made in the console under Keys.')
  }
  if (text === null) {
    return failure('missing_api_key', 'No API key came with the request. Send it as "Authorization: Bearer mr-…" (or in x-api-key). Keys are made in the console under Keys.')
  }
  const form = keys.isKnown(text) ? 'ok' : checkKeyFormat(text)
  if (form !== 'ok') return failure('invalid_api_key', `This is not a MegaRouter key. ${form.reason} Keys are made in the console under Keys, and shown once.`)
  const key = keys.find(text)
  const now = exchange.clock.epochMs()
  if (!key) {
    if (!keys.complete || now - keys.freshAt > staleAfterMs) {
      return failure('key_lookup_unavailable', 'The key could not be looked up, because the database does not answer. Known keys keep working; try again shortly.', { retryAfterMs: 2000 })
    }
    return failure('invalid_api_key', 'No key like this exists here. It may belong to another installation, or it was deleted. Make a new one in the console under Keys.')
  }
  exchange.key = key
  const refused = unusable(key, now)
  if (refused !== null) return refused
  if (key.ipAllow !== null && !mayComeFrom(key.ipAllow, exchange.clientAddress)) {
    return failure('address_not_allowed', `Key ${key.name} may not be used from ${exchange.clientAddress}. Use it from one of its networks, or have whoever manages the key add this address.`)
  }
  exchange.view = viewOf(exchange.snapshot, key.org)
  exchange.principal = admission.principal(key, exchange.snapshot)
  return exchange.principal.stopped
}

export function unusable(key: KeyEntry, nowMs: number): Failure | null {
  if (key.status === 'revoked') return failure('key_revoked', `Key ${key.name} was revoked. Use another one, or make a new one in the console under Keys.`)
  if (key.status === 'disabled') return failure('key_disabled', `Key ${key.name} is switched off. Whoever manages it can switch it on again in the console under Keys; or use another key.`)
  if (key.expiresAt !== null && key.expiresAt <= nowMs) return failure('key_expired', `Key ${key.name} expired at ${new Date(key.expiresAt).toISOString()}. Whoever manages it can move its end in the console under Keys; or use another key.`)
  return null
}

/** The id of an access key is sent as it is, so that it may be one of ours: then it says who asks, and the signature is not needed. */
const signedBy = /^AWS4-[\w-]+ +Credential=(mr-[^/,]+)\//
/** Clients of AWS sign every request unless they have a key of Bedrock. The key may also stand in another header. */
const isSigned = ({ headers: { authorization } }: IncomingMessage): boolean => authorization?.startsWith('AWS4-') === true

/** The key in the request, from whichever carrier the client's SDK uses. */
function credential(request: IncomingMessage): string | null {
  const { authorization, 'x-api-key': apiKey, 'x-goog-api-key': googleKey } = request.headers
  if (authorization?.startsWith('Bearer mr-') === true) return authorization.slice('Bearer '.length).trimEnd()
  const signer = isSigned(request) ? signedBy.exec(authorization!)?.[1] : undefined
  if (signer !== undefined) return signer
  if (authorization !== undefined && !isSigned(request)) return /^bearer +/i.test(authorization) ? authorization.replace(/^bearer +/i, '').trim() : null
  if (typeof apiKey === 'string') return apiKey.trim()
  if (typeof googleKey === 'string') return googleKey.trim()
  const query = request.url?.indexOf('?') ?? -1
  return query < 0 ? null : new URLSearchParams(request.url!.slice(query + 1)).get('key')
}
