/** What happened, in one or two sentences: who served, why not the first choice, or who refused and what it cost. */
import type { Attempt, RequestDetail } from '../../api-types.ts'
import { countExact, duration, money, moneyExact } from '../../format.ts'

export interface Verdict {
  tone: 'accent' | 'warn' | 'bad'
  /** Runs of text; the strong ones are names. */ parts: { text: string; strong?: boolean }[]
}

export const attemptName = (attempt: Attempt): string =>
  [attempt.provider ?? attempt.vendor, attempt.upstream_model].filter(Boolean).join('/') || (attempt.deployment ?? 'unknown')
const ordinal = (n: number): string => ['first', 'second', 'third', 'fourth'][n - 1] ?? `${n}th`
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

/** `was rate limited after 412 ms`, from what the attempt reported. */
export function howItFailed(attempt: Attempt): string {
  const after = `after ${duration(attempt.ended_ms - attempt.started_ms)}`
  if (attempt.outcome === 'connect_failed') return `could not be reached ${after}`
  if (attempt.outcome === 'timeout') return `did not answer in time, ${after}`
  if (attempt.outcome === 'truncated' || attempt.outcome === 'broken') return `broke off ${after}`
  if (attempt.status === 429) return `was rate limited ${after}`
  return attempt.status > 0 ? `answered ${attempt.status} ${after}` : `failed ${after}`
}
export function wasBilled({ flags, cost_nano: cost, ledger }: Attempt): string {
  const billed = flags.includes('uncertain') ? 'It is unknown whether it was billed' : cost > 0 ? `Billed ${money(cost)}` : null
  const own = ledger && ledger.overhead_nano > 0 ? `${money(ledger.overhead_nano)} paid by the gateway` : null
  return [billed, own].filter(Boolean).join('; ') || 'Not billed'
}
/** How its hold ended and who paid. */
export function chargeWords({ ledger }: Attempt): string {
  if (ledger === null) return 'not in the ledger, or not yet'
  const { kind, tenant_nano: tenant, overhead_nano: overhead } = ledger
  const own = kind === 'void' ? 'hold released, nothing due' : `settled ${moneyExact(tenant)}`
  return overhead > 0 ? `${own}; ${moneyExact(overhead)} paid by the gateway` : own
}

function served(request: RequestDetail, final: Attempt): Verdict {
  const failures = request.attempts.filter((attempt) => !attempt.final)
  const parts: Verdict['parts'] = [
    { text: attemptName(final), strong: true },
    { text: request.attempts.length > 1 ? ` served it on the ${ordinal(final.number)} attempt.` : ' served it on the first attempt.' },
  ]
  const first = failures[0]
  if (first) parts.push({ text: ' The first choice, ' }, { text: attemptName(first), strong: true }, { text: `, ${howItFailed(first)}.` })
  if (request.model_asked && request.model_asked !== request.model)
    parts.push({ text: ' Asked for as ' }, { text: request.model_asked, strong: true }, { text: '.' })
  return { tone: 'accent', parts }
}

export function verdict(request: RequestDetail): Verdict {
  const final = request.attempts.find((attempt) => attempt.final) ?? request.attempts.at(-1)
  const reason = request.error_text ? ` ${sentence(request.error_text)}` : ''
  if (request.outcome === 'refused')
    return { tone: 'warn', parts: [{ text: 'Refused by MegaRouter', strong: true }, { text: `, nothing was sent or billed.${reason}` }] }
  if (request.outcome === 'success' && final) return served(request, final)
  const where = final ? attemptName(final) : 'No deployment'
  if (request.outcome === 'cancelled')
    return {
      tone: 'warn',
      parts: [
        { text: 'The caller left', strong: true },
        {
          text: ` after ${duration(request.total_ms)}${final ? `, while ${where} was answering` : ''}. What was delivered is billed: ${money(request.cost_nano)}.`,
        },
      ],
    }
  if (request.outcome === 'broken')
    return {
      tone: 'bad',
      parts: [
        { text: where, strong: true },
        { text: ` broke off after ${countExact(request.output_tokens)} tokens; the caller got an error at the end of the stream.${reason}` },
      ],
    }
  const tries = request.attempts.length
  return {
    tone: 'bad',
    parts: [
      { text: tries > 1 ? `All ${tries} attempts failed` : 'The attempt failed', strong: true },
      { text: final ? `: ${where} ${howItFailed(final)}.${reason}` : `.${reason}` },
    ],
  }
}

/** The request as curl: what is known of it, never a key and never content that isn't stored. */
export const asCurl = (request: RequestDetail, baseUrl: string): string => `curl ${baseUrl}/v1/${(request.endpoint ?? 'chat.completions').replace('.', '/')} \\
  -H "Authorization: Bearer $MEGAROUTER_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify({ model: request.model_asked ?? request.model ?? 'MODEL', ...(request.endpoint === 'embeddings' ? { input: '…' } : { messages: [{ role: 'user', content: '…' }] }), ...(request.stream ? { stream: true } : {}) })}'`
