/**
 * What the router would do with a request, by the code that does it: the body is read as one that came in, and nothing is dispatched,
 * tried, remembered or recorded. Off the request path. Where the request would be refused, the refusal is the answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Reason } from '../routing/constraints.ts'
import type { DecisionRecord } from '../routing/record.ts'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import { unusable } from './authenticate.ts'
import { askingOf, decide, deploymentsOf, nothingFits, policyNameOf } from './auto.ts'
import { Exchange } from './exchange.ts'
import { opened } from './explain.ts'
import { inspect } from './inspect.ts'
import type { Gateway } from './pipeline.ts'
import { routeOf } from './routes.ts'
import { noRateLimit, unplaced, viewOf, type KeyEntry, type Snapshot } from './snapshot.ts'

export interface RoutingQuestion {
  org: string
  /** Whose request it would be; null: one of the organisation itself. */
  key: string | null
  /** A request of chat completions. */
  body: string
  /** As long as its prompt is to be taken for; null: as it is. */
  inputTokens: number | null
}

export interface RoutingExplained {
  policy: string | null
  record: DecisionRecord | null
  removed: { reason: Reason; arms: string[] }[]
  /** In the order in which they would be asked. */
  deployments: string[]
  refused: { code: string; message: string; param: string | null } | null
}

const path = '/v1/chat/completions'
/** Above every chance: nothing is tried. */
const neverTried = (): number => 1

/** Null: there is no such key here. */
export async function explainRouting(gateway: Pick<Gateway, 'keys' | 'admission' | 'routing' | 'kept'>, snapshot: Snapshot, question: RoutingQuestion, clock: Clock): Promise<RoutingExplained | null> {
  const key = question.key === null ? ofOrganisation(question.org) : gateway.keys.get(question.key)
  if (key === null || key.org !== question.org) return null
  const exchange = thoughtOf(question.body, key, snapshot, clock)
  exchange.principal = gateway.admission.principal(key, snapshot)
  const stopped = unusable(key, clock.epochMs()) ?? exchange.principal.stopped ?? unreadable(exchange) ?? inspect(exchange)
  if (stopped !== null) return refusal(stopped)
  if (question.inputTokens !== null) exchange.asked!.estimatedInputTokens = question.inputTokens
  const named = policyNameOf(exchange.asked!.model, exchange.view!)
  if (named === null) return refusal(failure('invalid_request', `"${exchange.asked!.model.slice(0, 100)}" names a model, so there is nothing to choose. Leave "model" out, or ask for auto or auto:<policy>.`, { param: 'model' }))
  // Waits come first: what is found out below holds only until the next request.
  const accounts = await opened(gateway.admission.ledger, exchange.principal.ancestors)
  if ('code' in accounts) return refusal(accounts)
  const asking = askingOf(exchange, named, gateway)
  if ('code' in asking) return refusal(asking)
  const { own, name, limited, request, deployments } = asking
  request.budgetPrice = gateway.routing.paces.peek(accounts)
  request.leftNano = gateway.admission.ledger.terms(accounts).freeNano
  const decision = decide(own, request, limited, Math.floor(exchange.at / 1000), neverTried, true)
  if (decision.record === null) return { ...refusal(nothingFits(decision.nothingLeft, exchange, own)), policy: name, removed: decision.nothingLeft.removed }
  const { record } = decision
  return { policy: name, record, removed: [], deployments: [...deploymentsOf(own, [record.chosen, ...record.fallbacks], deployments).keys()].map(({ id }) => id), refused: null }
}

const refusal = ({ code, message, param }: Failure): RoutingExplained => ({ policy: null, record: null, removed: [], deployments: [], refused: { code, message, param: param ?? null } })

/** A request that nobody sent and nobody answers. */
function thoughtOf(text: string, key: KeyEntry, snapshot: Snapshot, clock: Clock): Exchange {
  const exchange = new Exchange({ headers: {} } as IncomingMessage, {} as ServerResponse, snapshot, routeOf(path, '')!, clock, '127.0.0.1')
  exchange.key = key
  exchange.view = viewOf(snapshot, key.org)
  exchange.body = Buffer.from(text)
  exchange.scan = new JsonScanner({ maxDepth: limits.jsonDepth, maxKeys: limits.jsonKeys, unique: noUniqueKeys })
  exchange.scan.push(exchange.body)
  exchange.scan.end()
  return exchange
}

function unreadable({ scan }: Exchange): Failure | null {
  if (scan!.fault === null && scan!.isObject) return null
  return failure('invalid_json', `The body is no JSON object that a request may have${scan!.fault === null ? '' : `: ${scan!.fault.reason} at byte ${scan!.fault.offset}`}.`)
}

/** Directly below the organisation, with nothing of its own. */
const ofOrganisation = (org: string): KeyEntry => ({
  ...unplaced, id: org, version: 0, hash: new Uint8Array(), status: 'active', name: 'of the organisation', org, team: null, project: null, user: null, models: null, budget: null, rateLimit: noRateLimit, expiresAt: null,
})
