/**
 * Tokens that a vendor's own server hands out for a credential: fetched when first needed, once for all requests that wait, used until
 * shortly before they end and then renewed beside the traffic. A server that refuses, is silent or says nonsense is a `CredentialError`.
 */
import { secretsIn } from './parts.ts'

export interface TokenRequest {
  url: string
  /** Left out: the request is a GET. */
  body?: string
  headers?: Readonly<Record<string, string>>
  /** The address is one of this machine's own surroundings, such as the metadata server of a cloud. */
  inside?: true
}

/** Rejects when no whole answer comes in time. */
export type Send = (request: TokenRequest) => Promise<{ status: number; text: string }>

export interface Token {
  text: string
  lifeMs: number
}

export type Grant = (send: Send, nowMs: number) => Promise<Token>

export class CredentialError extends Error {
  /** What the token server answered; 503 where it could not be asked. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
    this.name = 'CredentialError'
  }

  /** The credential itself is at fault, and not the way to the server. */
  get isRefusal(): boolean { return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429 }
}

/** Renewed from here on; Google's metadata server hands out the same token until five minutes before its end. */
const renewBeforeMs = 240_000
/** A failed renewal is not tried again at once. */
const pauseMs = 10_000
/** One that was refused so soon will not be better when it is fetched again. */
const freshMs = 30_000

interface Held { text: string; fromMs: number; renewMs: number; untilMs: number }

export interface TokenOptions { grant: Grant; send: Send; nowMs: () => number; onFetch: (failed: CredentialError | null) => void }

export class TokenSource {
  readonly #options: TokenOptions
  #held: Held | null = null
  #running: Promise<string> | null = null
  #pausedUntilMs = 0

  constructor(options: TokenOptions) {
    this.#options = options
  }

  /** A promise only while there is none to use. */
  get(): string | Promise<string> {
    const now = this.#options.nowMs()
    const held = this.#held
    if (held === null || now >= held.untilMs) return this.#fetch()
    // Whoever needs it meanwhile has the one that still holds; the failure was told to `onFetch`.
    if (now >= held.renewMs && now >= this.#pausedUntilMs) this.#fetch().catch(() => undefined)
    return held.text
  }

  /** The vendor refuses this token. True: another one is worth a try. */
  forget(text: string): boolean {
    const held = this.#held
    if (held === null || held.text !== text) return held !== null
    if (this.#options.nowMs() - held.fromMs < freshMs) return false
    this.#held = null
    return true
  }

  #fetch(): Promise<string> {
    this.#running ??= this.#fetchOnce().finally(() => (this.#running = null))
    return this.#running
  }

  async #fetchOnce(): Promise<string> {
    const { grant, send, nowMs, onFetch } = this.#options
    const fromMs = nowMs()
    try {
      const { text, lifeMs } = await grant(send, fromMs)
      const before = Math.min(renewBeforeMs, lifeMs / 2)
      this.#held = { text, fromMs, renewMs: fromMs + lifeMs - before, untilMs: fromMs + lifeMs - before / 4 }
      onFetch(null)
      return text
    } catch (error) {
      this.#pausedUntilMs = nowMs() + pauseMs
      const failed = error instanceof CredentialError ? error : new CredentialError(`No token came: ${error instanceof Error ? error.message : String(error)}`, 503)
      onFetch(failed)
      throw failed
    }
  }
}

/** Members of the answer, or why there is none in the words of the server, without anything secret. */
export async function askForToken(send: Send, who: string, request: TokenRequest, secret: string): Promise<Record<string, unknown>> {
  const { status, text } = await send(request)
  const body = objectIn(text)
  if (status === 200 && body !== null) return body
  const { error, error_description: description } = body ?? {}
  const told = [error, description, (error as Record<string, unknown> | undefined)?.['message']].filter((each): each is string => typeof each === 'string').join(': ')
  const words = secretsIn(secret).reduce((left, each) => left.replaceAll(each, '[redacted]'), told).split(/[\r\n]/)[0]!.slice(0, 300)
  throw new CredentialError(`${who} gave no token (${status})${words === '' ? '' : `: ${words}`}`, status === 200 ? 502 : status)
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
  } catch {
    return null
  }
}

/** `access_token` and `expires_in` of RFC 6749. */
export function tokenOf({ access_token: text, expires_in: seconds }: Record<string, unknown>, who: string): Token {
  const life = Number(seconds)
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) throw new CredentialError(`${who} answered without a token.`, 502)
  return { text, lifeMs: Number.isFinite(life) && life > 0 ? Math.min(life, 86_400) * 1000 : 300_000 }
}
