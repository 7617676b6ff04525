/**
 * `POST /v1/feedback`: somebody says what a request, a session or a trace was worth. The store keeps it and finds the requests; the
 * router learns from judgements of those that it chose for. What is malformed is refused with 400, what is not known to the key with 404.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { nearestNames } from '../catalog/nearest.ts'
import { failure, type Failure } from '../errors.ts'
import { isUsd, usdAdvice, usdToNano } from '../governance/usd.ts'
import { limits } from '../limits.ts'
import type { FeedbackAsk, FeedbackFound, FeedbackTarget, OutcomeValue } from '../store/outcomes.ts'
import { authenticate } from './authenticate.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './pipeline.ts'
import { receive } from './receive.ts'
import { recordOf } from './record.ts'
import { refuse, sendJson } from './respond.ts'

/** Where outcomes are kept; its questions fail when the database does not answer. */
export interface OutcomeKeeper {
  /** Null: there is no request that the key may tell anything of. */
  feedback(ask: FeedbackAsk): Promise<FeedbackFound | null>
}

export interface FeedbackSink {
  /** Whether something was learned: the router chose for the request, and it is still known why. */
  learn(org: string, found: { id: string; decision: string | null }, value: boolean | number): boolean
  /** Sends decisions that wait on their way to the store, so that it knows those of requests that have just ended. */
  flush?(): void
}

type Said = Pick<FeedbackAsk, 'target' | 'metric' | 'value' | 'comment'>

interface Told { id: string; requests: number; learned: number; replaced: boolean }

const commentLength = 2_000
const labelLength = 64
/** Judgements that are learned from before others have their turn. */
const learnedAtOnce = 10

export async function handleFeedback(exchange: Exchange, gateway: Gateway): Promise<void> {
  gateway.live.enter(exchange)
  try {
    const told = await serve(exchange, gateway)
    if ('code' in told) refuseIt(exchange, gateway, told)
    else sendJson(exchange, 202, told)
  } catch (error) {
    gateway.onDefect(error, exchange.id)
    if (exchange.response.headersSent) exchange.response.destroy()
    else refuseIt(exchange, gateway, failure('internal_error', 'The gateway failed at this request; its log says why, under the request id.'))
  } finally {
    gateway.live.exit(exchange)
    exchange.lease?.release(0, 0)
    exchange.letGo()
  }
}

/** Only refusals are on record: what was told stands among the outcomes. */
function refuseIt(exchange: Exchange, gateway: Gateway, refused: Failure): void {
  exchange.refusal = refused
  if (exchange.clientGone) exchange.outcome = 'cancelled'
  refuse(exchange, refused)
  gateway.recorder.add(recordOf(exchange))
}

async function serve(exchange: Exchange, gateway: Gateway): Promise<Told | Failure> {
  const refused = authenticate(exchange, gateway.keys, gateway.admission)
  if (refused) return refused
  exchange.enter('admit')
  const key = exchange.key!
  const granted = gateway.admission.admit(key, exchange.snapshot, 0)
  if ('code' in granted) {
    exchange.limitHeaders = gateway.admission.headers(key, exchange.snapshot)
    return granted
  }
  exchange.lease = granted
  exchange.enter('receive')
  const unreadable = await receive(exchange, { budget: gateway.bodies, running: gateway.deadlines, spool: gateway.spool })
  if (unreadable) return unreadable
  exchange.enter('inspect')
  const said = saidIn(exchange)
  if ('code' in said) return said
  exchange.enter('call')
  const { project, team } = exchange.principal!.tenant
  const found = await ask(gateway, { org: key.org, key: key.id, node: project ?? team, at: exchange.at, ...said })
  if (found === null) return notFound(said.target)
  if ('code' in found) return found
  const { outcomeId: id, requests, replaced } = found
  if (replaced || typeof said.value === 'object') return { id, requests: requests.length, learned: 0, replaced }
  // After a start the models of an organisation are taken over when they are first needed.
  gateway.routing.of(exchange.view!)
  return { id, requests: requests.length, learned: await learn(gateway.feedback, key.org, requests, said.value), replaced }
}

async function ask({ recorder, feedback, outcomes }: Gateway, question: FeedbackAsk): Promise<FeedbackFound | null | Failure> {
  // A request that has just ended may wait here.
  recorder.flush()
  feedback.flush?.()
  try {
    return await outcomes.feedback(question)
  } catch {
    // The store worker has logged why.
    return failure('feedback_unavailable', 'The database does not answer, so this feedback may not have been kept. Send it again shortly; what is told twice is kept once.', { retryAfterMs: 1000 })
  }
}

async function learn(sink: FeedbackSink, org: string, requests: FeedbackFound['requests'], value: boolean | number): Promise<number> {
  let learned = 0
  for (let i = 0; i < requests.length; i++) {
    if (i > 0 && i % learnedAtOnce === 0) await nextTurn()
    if (sink.learn(org, requests[i]!, value)) learned++
  }
  return learned
}

const targets = { request_id: 'the request', session: 'the session', trace_id: 'the trace' } as const

function notFound(target: FeedbackTarget): Failure {
  const whose = 'this key may tell outcomes of: its own are meant, and those of keys of the same team or project.'
  if ('request' in target) return failure('request_not_found', `There is no request "${target.request.slice(0, 60)}" that ${whose} The id of a request stands in the header x-megarouter-request-id of its answer.`, { param: 'target.request_id' })
  if ('session' in target) return failure('request_not_found', `The session "${target.session}" has no request that ${whose} A request names its session as megarouter.session, or in the header x-megarouter-session.`, { param: 'target.session' })
  return failure('request_not_found', `The trace ${target.trace} has no request that ${whose} The trace of a request is that of its header traceparent.`, { param: 'target.trace_id' })
}

const fields = ['target', 'metric', 'value', 'comment'] as const
const example = '{"target": {"request_id": "req_…"}, "metric": "quality", "value": true}'
const wrong = (message: string, param: string): Failure => failure('invalid_request', message, { param })

/** What the body says; it is JSON and an object. */
function saidIn({ body, scan }: Exchange): Said | Failure {
  const given = JSON.parse(body.toString()) as Record<string, unknown>
  const names = Object.keys(given)
  if (scan!.members.length > names.length) return failure('duplicate_field', 'A field stands in the body twice, and it is not known which of the two counts. Send it once.')
  const foreign = strangerIn(names, fields, 'field')
  if (foreign) return foreign
  const missing = fields.find((name) => name !== 'comment' && given[name] === undefined)
  if (missing) return wrong(`The field "${missing}" is missing. Feedback looks like ${example}.`, missing)
  const target = targetOf(given['target'])
  if ('code' in target) return target
  const { metric, comment = null } = given
  if (typeof metric !== 'string' || !/^[a-z0-9_.-]{1,64}$/.test(metric)) return wrong('The field "metric" must be a name of 1 to 64 of the characters a–z, 0–9, "_", "." and "-", such as quality.', 'metric')
  const value = valueOf(given['value'])
  if (typeof value === 'object' && 'code' in value) return value
  if (comment !== null && (typeof comment !== 'string' || [...comment].length > commentLength)) return wrong(`The field "comment" must be a text of at most ${commentLength} characters.`, 'comment')
  return { target, metric, value, comment: comment && withoutNul(comment) }
}

/** PostgreSQL has no text with U+0000. */
const withoutNul = (text: string): string => text.replaceAll('\0', '')

function strangerIn(names: readonly string[], known: readonly string[], what: string, inside = ''): Failure | null {
  const name = names.find((each) => !known.includes(each))
  if (name === undefined) return null
  const [nearest] = nearestNames(name, known, 1)
  return wrong(`There is no ${what} "${name.slice(0, 40)}".${nearest === undefined ? '' : ` Did you mean "${nearest}"?`} There are ${known.join(', ')}.`, `${inside}${name}`.slice(0, 80))
}

function targetOf(given: unknown): FeedbackTarget | Failure {
  const must = `The field "target" must name one of ${Object.keys(targets).join(', ')}, as in ${example}.`
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrong(must, 'target')
  const entries = Object.entries(given as Record<string, unknown>)
  const foreign = strangerIn(entries.map(([name]) => name), Object.keys(targets), 'target', 'target.')
  if (foreign) return foreign
  const [first] = entries
  if (first === undefined || entries.length > 1) return wrong(`${must} It names ${entries.length === 0 ? 'none' : entries.map(([name]) => name).join(' and ')}.`, 'target')
  const [name, text] = first as [keyof typeof targets, unknown]
  if (typeof text !== 'string' || text === '' || Buffer.byteLength(text) > limits.labelBytes) return wrong(`The field "target.${name}" must be the name of ${targets[name]}, a text of at most ${limits.labelBytes} bytes.`, `target.${name}`)
  if (name === 'request_id') return { request: text }
  if (name === 'session') return { session: withoutNul(text) }
  const trace = text.toLowerCase()
  return /^[0-9a-f]{32}$/.test(trace) ? { trace } : wrong('The field "target.trace_id" must be the 32 hexadecimal digits of a W3C trace: the second part of a traceparent.', 'target.trace_id')
}

const valueAdvice = 'The field "value" must be true or false, a number from 0 (bad) to 1 (good), an amount {"usd": 12.5} or a word {"label": "refund"}.'

function valueOf(given: unknown): OutcomeValue | Failure {
  if (typeof given === 'boolean') return given
  if (typeof given === 'number') {
    if (given >= 0 && given <= 1) return given
    return wrong(`The number in "value" is ${given}, and must be from 0 (bad) to 1 (good): 4 of 5 stars are 0.8. An amount of money is {"usd": 12.5}, and what is no judgement a word, {"label": "refund"}.`, 'value')
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrong(valueAdvice, 'value')
  const entries = Object.entries(given as Record<string, unknown>)
  const foreign = strangerIn(entries.map(([name]) => name), ['usd', 'label'], 'kind of value', 'value.')
  if (foreign) return foreign
  const [first] = entries
  if (first === undefined || entries.length > 1) return wrong(valueAdvice, 'value')
  const [name, amount] = first
  if (name === 'usd') return usdOf(amount)
  if (typeof amount !== 'string' || amount === '' || [...amount].length > labelLength || /\p{Cc}/u.test(amount)) return wrong(`The field "value.label" must be a text of 1 to ${labelLength} characters, without control characters.`, 'value.label')
  return { label: amount }
}

/** Exact to the nano-dollar, or refused; what was lost is negative. */
function usdOf(given: unknown): OutcomeValue | Failure {
  const isText = typeof given === 'string'
  const isNegative = isText ? given.startsWith('-') : typeof given === 'number' && given < 0
  const size = !isNegative ? given : isText ? given.slice(1) : -(given as number)
  if ((typeof size !== 'string' && typeof size !== 'number') || !isUsd(size)) return wrong(`The field "value.usd" ${usdAdvice}; what was lost is negative.`, 'value.usd')
  const nano = usdToNano(size)
  return { usdNano: isNegative && nano > 0 ? -nano : nano }
}
