/**
 * What an upstream sends in the place of an answer: how it is told from one, and what the log says of it. The log gets its beginning with
 * all that may be secret or somebody's words taken out, and not more lines in a second than a person can read.
 */
import type { Clock } from '../clock.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { secretsIn } from '../providers/auth/parts.ts'
import type { JsonScanner, Member } from '../wire/json-scanner.ts'
import type { Attempt } from './attempt.ts'

/** Whether one of the members is there that every answer of the format has, with something in it. */
export function holdsAnswer({ answerIn, mayBeEmpty, mayBeAny }: Pick<Protocol, 'answerIn' | 'mayBeEmpty' | 'mayBeAny'>, body: Buffer, scan: JsonScanner): boolean {
  for (const key of answerIn) {
    const member = scan.find(key)
    if (member && (mayBeAny?.includes(key) === true || isFull(body, member, mayBeEmpty === true))) return true
  }
  return false
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** An object with members, or a list of objects or lists. */
function isFull(body: Buffer, { valueStart, valueEnd }: Member, mayBeEmpty: boolean): boolean {
  const first = body[valueStart]
  if (first !== 0x5b && first !== 0x7b) return false
  let at = valueStart + 1
  while (at < valueEnd && isBlank(body[at]!)) at++
  const next = body[at]
  return first === 0x7b ? next !== 0x7d : next === 0x5d ? mayBeEmpty : next === 0x7b || next === 0x5b
}

/** For the log. */
export interface Malformed { request: string; provider: string; model: string; status: number; contentType: string; why: string; beginning: string; /** Lines that were left out since the last one. */ leftOut: number }

const nothing = Buffer.alloc(0)
const linesPerSecond = 10
const shownChars = 200
/** Read for them: what is taken out makes it shorter. */
export const keptBytes = 1024

export class MalformedLog {
  readonly #clock: Clock
  readonly #say: (line: Malformed) => void
  #second = 0
  #lines = 0
  #leftOut = 0

  constructor(clock: Clock, say: (line: Malformed) => void) {
    this.#clock = clock
    this.#say = say
  }

  /** An attempt that failed: said where it got something, and that was no whole answer. */
  tell(request: string, { status, headers, first, body, fault, options: { deployment: { provider, upstreamModel }, credentialId } }: Attempt): void {
    if (fault?.class !== 'truncated' || status < 200 || status >= 300) return
    const second = Math.floor(this.#clock.monotonicUs() / 1_000_000)
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0]
    if (++this.#lines > linesPerSecond) return void this.#leftOut++
    const secrets = provider.credentials.filter(({ id }) => id === credentialId).flatMap(({ secret }) => secretsIn(secret))
    this.#say({ request, provider: provider.id, model: upstreamModel, status, contentType: String(headers['content-type'] ?? ''), why: fault.text, beginning: beginningOf(body ?? first ?? nothing, secrets), leftOut: this.#leftOut })
    this.#leftOut = 0
  }
}

const jsonText = /"((?:[^"\\]|\\.)*)("?)(\s*:)?/g
const longestShownText = 16
const mail = /[\w.+-]+@[\w-]+\.[\w.-]+/g
const key = /\b(?:sk|mr|pk|rk|gsk|xai|ghp|AIza|AKIA|ya29|eyJ)[\w.-]{6,}|\bBearer\s+\S+|[\w+/=-]{24,}/g

/** Texts of JSON are somebody's words and give way to their length, names of members stay; then whatever looks like a secret or an address. */
export function beginningOf(bytes: Buffer, secrets: readonly string[]): string {
  let text = bytes.toString('utf8', 0, keptBytes)
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '[redacted]').replaceAll(secret.slice(0, 16), '[redacted]')
  text = text.replace(jsonText, (whole, said: string, _end: string, colon: string | undefined) => (colon !== undefined || said.length <= longestShownText ? whole : `"[${said.length} characters]"`))
  return text.replace(mail, '[redacted]').replace(key, '[redacted]').replace(/[\p{Cc}\ufffd]+/gu, ' ').trim().slice(0, shownChars)
}
