/** The one object that travels through all steps of a request: what came in, what was decided, what happened, how long it took. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Failure } from '../errors.ts'
import type { Lease } from '../governance/admission.ts'
import type { Place } from '../governance/priority.ts'
import type { Principal } from '../governance/principal.ts'
import type { ChatRequest } from '../protocols/canonical.ts'
import type { RequestPlace } from '../protocols/codec.ts'
import type { EndpointSpec, Protocol, RequestShape } from '../protocols/protocol.ts'
import type { Hold } from '../ledger/hold.ts'
import type { Hedging } from '../routing/hedge-budget.ts'
import { stepNames, type RequestOutcome, type StepName } from '../store/records.ts'
import type { JsonScanner } from '../wire/json-scanner.ts'
import type { Attempt } from './attempt.ts'
import type { Capture, CachePolicy } from './exact-cache.ts'
import type { FormBody } from './form.ts'
import type { Run } from './repeats.ts'
import type { Routed } from './auto.ts'
import type { Route } from './routes.ts'
import type { KeyEntry, Snapshot, View } from './snapshot.ts'
import { newRequestId } from './request-id.ts'

/** The `megarouter` body object or `x-megarouter-*` headers, checked. Never forwarded. */
export interface RequestOptions {
  policy: string | null
  models: string[] | null
  fallbacks: string[] | null
  maxCostNano: number | null
  minQuality: number | null
  maxLatencyMs: number | null
  session: string | null
  tags: string[]
  /** Null: it says nothing. */
  cache: boolean | null
  includeCost: boolean
  /** What happens to what a vendor's format can't express: left out and named in a header, left out, or the request is refused. */
  onUnsupported: 'warn' | 'drop' | 'reject'
  /** Options that were given and that are for the router alone. */
  ofRouting: string[]
}

/** What the gateway reads of the client's request. */
export interface Asked {
  /** The name that is served: another one than was written where a default or a downgrade takes its place. */
  model: string
  /** As it stands in the body; null: it does not. */
  written: string | null
  stream: boolean
  /** The client wants the usage chunk in its stream. */
  usageInStream: boolean
  /** The client's own bound of output tokens, null when it set none. */
  maxOutputTokens: number | null
  choices: number
  estimatedInputTokens: number
  /** The two fields that bound the output, as the client set them; a limit below 1 is none, as servers such as llama.cpp take it. */
  maxTokens: number | null
  maxCompletionTokens: number | null
  /** The client switched reasoning off. */
  reasoningOff: boolean
  bodyBytes: number
  size: RequestSize
  /** What it costs is decided by pieces, or by tokens that no limit of the request bounds. */
  byPieces: boolean
}

/** What bounds the input; counted when it is first asked for. */
export interface RequestSize {
  /** Whether images, audio or files may stand in the body or be referred to: then its bytes say little of its tokens. A fast search; `shape` is exact. */
  mayCarryMedia(): boolean
  shape(): RequestShape
}

/** A revoked key, one whose owner or place has gone, or a shutdown whose time is over. */
export type CutReason = 'key' | 'stopped' | 'shutdown'

/** −0 is no small integer: an array of fractions from the start, which costs a tenth of a typed one. */
const noSteps: readonly number[] = [-0, -0, -0, -0, -0, -0, -0, -0, -0, -0]
const noTags: readonly string[] = []
const stepIndex = Object.fromEntries(stepNames.map((name, index) => [name, index])) as Record<StepName, number>

const nothing = Buffer.alloc(0)

export class Exchange {
  rosterIndex = -1
  readonly id: string
  /** Epoch µs. */
  readonly at: number
  readonly startedUs: number
  readonly clock: Clock
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly snapshot: Snapshot
  readonly protocol: Protocol
  readonly endpoint: EndpointSpec
  readonly clientAddress: string

  /** What the address says of the request, for formats in which it does. */
  readonly inPath: RequestPlace
  /** Whose names of models its path is written with. */
  readonly home: string | null
  /** Of a form its plain fields, as JSON. */
  body: Buffer = nothing
  /** The bytes of a form. */
  form: FormBody | null = null
  scan: JsonScanner | null = null
  key: KeyEntry | null = null
  /** What the key's organisation has of the snapshot; known with the key, as the principal is. */
  view: View | null = null
  /** What stands above the key. */
  principal: Principal | null = null
  lease: Lease | null = null
  /** Among all that run at once. */
  place: Place | null = null
  /** `x-ratelimit-*` of a request that was refused for them; others have them from their lease. */
  limitHeaders: Record<string, string> | null = null
  /** Set when the request is the first of its `Idempotency-Key`: it is told all that the client is sent. */
  repeat: Run | null = null
  asked: Asked | null = null
  /** Decoded, once a vendor of another format is asked. */
  chat: ChatRequest | null = null
  /** Of the body: another vendor's proofs stand in it, so that it passes to nobody as it came. */
  hasSealedProofs = false
  /** Of the Responses API: the answer that this request goes on from, and whether it is kept here (then it stands in `body`) or by its vendor. */
  earlier: { id: string; isOurs: boolean } | null = null
  /** What the client itself said, as JSON of a list of items, where its answer is to be kept here. */
  keeps: string | null = null
  options: RequestOptions | null = null
  /** Whether whole answers are kept: what the routing policy says, null where it keeps none; undefined where no policy chooses the model. */
  cachePolicy: CachePolicy | null | undefined = undefined
  cache: 'off' | 'miss' | 'hit' = 'off'
  /** What the client is sent, where it may be kept. */
  capture: Capture | null = null
  /** Of the request and of its key. */
  tags: readonly string[] = noTags
  /** A budget has put a cheaper model in the place of the one that was asked for. */
  downgraded = false
  /** What the router decided, where it was asked. */
  routed: Routed | null = null
  /** Short reason of the choice, for `x-megarouter-route`. */
  route: string | null = null
  /** For the header `x-megarouter-warnings`. */
  warnings: string[] = []
  attempts: Attempt[] = []
  /** Whose end is what the client is told: the one that was made last, or of two that ran at once the one that was left. */
  last: Attempt | null = null
  /** Of the attempt that was made last, or is about to be. */
  hold: Hold | null = null
  /** Numbers of attempts that were given to holds whose attempt was never made. */
  skippedNumbers = 0
  /** Its policy has a second attempt made beside a late one. */
  hedge: Hedging | null = null
  /** What was taken for that of what such attempts may cost, nano-dollars; null: none was made. */
  hedgeTakenNano: number | null = null
  /** Set when the client has gone before its answer was complete. */
  clientGone = false
  /** Why the gateway itself ends the request, once it does. */
  cutBy: CutReason | null = null
  /** The attempt that runs now. A field and not a callback: closures made for each request turned out to outlive it by far. */
  running: Attempt | null = null
  /** That runs beside it. */
  rival: Attempt | null = null
  /** Ends the pause before a retry. */
  wake: (() => void) | null = null

  status = 0
  outcome: RequestOutcome = 'refused'
  refusal: Failure | null = null
  responseBytes = 0
  firstTokenUs: number | null = null
  captured: Buffer[] | null = null

  readonly #steps = noSteps.slice()
  #step = 0
  #stepSinceUs: number

  constructor(request: IncomingMessage, response: ServerResponse, snapshot: Snapshot, { protocol, endpoint, inPath, home }: Route, clock: Clock, clientAddress: string) {
    const epochMs = clock.epochMs()
    this.id = newRequestId(epochMs)
    this.at = epochMs * 1000
    this.startedUs = clock.monotonicUs()
    this.#stepSinceUs = this.startedUs
    this.clock = clock
    this.request = request
    this.response = response
    this.snapshot = snapshot
    this.protocol = protocol
    this.endpoint = endpoint
    this.inPath = inPath
    this.home = home ?? null
    this.clientAddress = clientAddress
  }

  /** Ends the running step and starts the named one; a step may be entered again. */
  enter(step: StepName): void {
    const now = this.clock.monotonicUs()
    this.#steps[this.#step]! += now - this.#stepSinceUs
    this.#step = stepIndex[step]
    this.#stepSinceUs = now
  }

  /** Starts the running step's clock anew: time that passed was not ours (a client still sending its body). */
  forgiveWaiting(): void {
    this.#stepSinceUs = this.clock.monotonicUs()
  }

  /**
   * It is over and recorded. Its objects may outlive it until the next full collection: measured, when it was at its worst, as 14 KB
   * of each request and pauses of 30 ms. More than half of that is what is dropped here.
   */
  letGo(): void {
    this.body = nothing
    this.form = null
    this.scan = this.lease = this.limitHeaders = this.repeat = this.asked = this.chat = this.options = this.routed = this.hold = this.last = this.running = this.rival = this.captured = this.capture = null
    this.attempts.length = 0
  }

  elapsedUs(): number {
    return this.clock.monotonicUs() - this.startedUs
  }

  /** µs by step, rounded. */
  stepTimes(): number[] {
    return this.#steps.map((us) => Math.round(us))
  }

  /** What the gateway itself added so far, µs: all steps but the two that wait for the upstream. */
  overheadUs(): number {
    let sum = 0
    for (let i = 0; i < stepNames.length; i++) if (stepNames[i] !== 'call' && stepNames[i] !== 'stream') sum += this.#steps[i]!
    return sum
  }
}
