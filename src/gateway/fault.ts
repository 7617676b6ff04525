/** Why an attempt failed: what its upstream said, or what we say of it, and what that means for retry and fallback. */
import { failure, type ErrorCode, type Failure } from '../errors.ts'
import { secretsIn } from '../providers/auth/parts.ts'
import { CredentialError } from '../providers/auth/token.ts'
import { retryAfterMs, spentForMs, type Headers } from '../routing/cooldown.ts'
import type { FaultClass, UpstreamFault } from '../protocols/protocol.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { beginningOf } from './malformed.ts'
import type { Provider } from './snapshot.ts'

export interface Fault {
  class: FaultClass
  /** What we say when the upstream's own words can't be passed on. */
  failure: Failure
  /** The upstream's own answer, passed on as it came. */
  upstream: { status: number; body: Buffer; contentType: string } | null
  /** For records: the upstream's code, or ours. */
  code: string
  text: string
  /** Of the upstream's answer; 0 where none came. */
  status: number
  retryAfterMs: number | null
  /** How long the vendor wants to be left alone: as it says, or until its limits are refilled. */
  cooldownMs: number | null
}

export const faultFrom = (faultClass: FaultClass, said: Failure): Fault => ({ class: faultClass, failure: said, upstream: null, code: said.code, text: said.message, status: 0, retryAfterMs: null, cooldownMs: null })

/** For the client, whom the attempt's own text tells only what happened. */
const next: Partial<Record<ErrorCode, string>> = {
  upstream_error: ' Send it again; if it repeats, use another model or tell the operator.',
  upstream_truncated: ' Send it again; if it repeats, use another model or tell the operator.',
  upstream_timeout: ' Stream long answers, use a faster model, or have the operator raise the deadline.',
}

export const localFault = (faultClass: FaultClass, code: ErrorCode, message: string): Fault => ({ ...faultFrom(faultClass, failure(code, message + (next[code] ?? ''))), text: message })

/** What broke a connection: as the operating system names it, and in words where only the library has a name. */
export function brokenBy(error: Error): string {
  const { code = error.name } = error as NodeJS.ErrnoException
  return libraryCodes[code] ?? code
}
const libraryCodes: Readonly<Record<string, string>> = { UND_ERR_SOCKET: 'closed by the other side', UND_ERR_CONNECT_TIMEOUT: 'no connection in time', UND_ERR_HEADERS_OVERFLOW: 'headers too large' }

/** The answer is not whole, or none. */
export const truncatedFault = (message: string): Fault => localFault('truncated', 'upstream_truncated', message)

/** Nobody was asked: there was no way to the vendor, or nothing to show it. */
export const unsentFault = (who: string, error: Error): Fault =>
  error instanceof CredentialError ? { ...localFault('auth', 'upstream_error', `${who} could not be called: ${error.message}`), status: error.status } : localFault('connect', 'upstream_error', `${who} could not be reached (${brokenBy(error)}). Nothing was sent.`)

/** How the vendor speaks, and whether the client does. */
export type Speaking = Pick<AttemptOptions, 'protocol' | 'framings' | 'translation' | 'deployment' | 'errors' | 'clientErrors'>

/** An error status with its body. */
export function answeredFault({ translation, errors, clientErrors, deployment: { provider: { vendor: { name: who, quirks } } } }: Speaking, status: number, body: Buffer, headers: Headers, nowMs: number): Fault {
  const said = errors.readError(body, headers)
  const afterMs = retryAfterMs(headers, nowMs) ?? said?.retryAfterMs ?? null
  const isForeign = translation !== null || errors.id !== clientErrors
  const contentType = String(headers['content-type'] ?? '')
  // Some vendors send their JSON errors under another type.
  const isJson = looksLikeJson(body)
  const message = `${who} answered ${status}${said ? `: ${said.message.replace(/\.$/, '')}` : ' without a readable error'}.`
  const faultClass = errors.classify(status, said)
  return {
    class: faultClass,
    failure: failure('upstream_error', message + next.upstream_error!, { status: status >= 400 ? status : 502, ...(isForeign && { fault: faultClass }), ...(afterMs !== null && { retryAfterMs: afterMs }) }),
    // Words of another format than the client's are said anew.
    upstream: isJson && status >= 400 && !isForeign ? { status, body, contentType } : null,
    code: said?.code ?? said?.type ?? `http_${status}`,
    text: (said?.message ?? beginningOf(body, [])).slice(0, 500),
    status,
    retryAfterMs: afterMs,
    cooldownMs: afterMs ?? spentForMs(quirks.rateLimitHeaders, headers, nowMs),
  }
}

/** An error inside a 200: in a body, or as an event before the first token. `json` is the error as it came. */
export function inBandFault({ protocol, framings: { ownFraming }, translation, clientErrors }: Speaking, said: UpstreamFault, json: string | null): Fault {
  const status = said.status ?? 502
  const faultClass = protocol.classify(said.status ?? 0, said)
  // The type of AWS's stands in the frame around them.
  const isForeign = translation !== null || protocol.id !== clientErrors || ownFraming === 'aws-event-stream'
  return {
    class: faultClass,
    failure: failure('upstream_error', said.message, { status, ...(isForeign && { fault: faultClass }), ...(said.retryAfterMs !== undefined && { retryAfterMs: said.retryAfterMs }) }),
    upstream: json === null || isForeign ? null : { status, body: Buffer.from(json), contentType: 'application/json' },
    code: said.code ?? said.type ?? 'in_band_error',
    text: said.message,
    status: said.status ?? 0,
    retryAfterMs: said.retryAfterMs ?? null,
    cooldownMs: said.retryAfterMs ?? null,
  }
}

/** A vendor may quote the credential that it was sent; the client must not get it, nor any record of ours. */
export function withoutSecret(fault: Fault, { credentials }: Pick<Provider, 'credentials'>, credentialId: string): Fault {
  return secretsIn(credentials.find(({ id }) => id === credentialId)?.secret ?? '').reduce(without, fault)
}

function without(fault: Fault, secret: string): Fault {
  const { code, text, failure: said, upstream } = fault
  // Codes and texts were cut to their bounds: they may hold its beginning alone.
  const beginning = secret.slice(0, 16)
  if (upstream?.body.includes(beginning) !== true && ![code, text, said.message].some((part) => part.includes(beginning))) return fault
  const clean = (part: string): string => {
    const whole = part.replaceAll(secret, '[redacted]')
    const at = whole.indexOf(beginning)
    return at < 0 ? whole : `${whole.slice(0, at)}[redacted]`
  }
  return {
    ...fault, code: clean(code), text: clean(text), failure: { ...said, message: clean(said.message) },
    upstream: upstream && { ...upstream, body: Buffer.from(upstream.body.toString().replaceAll(secret, '[redacted]')) },
  }
}

function looksLikeJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString())
    return true
  } catch {
    return false
  }
}
