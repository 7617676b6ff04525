/** What an attempt is made of: from what is asked and where, as the vendor is asked and the client is answered. */
import type { Calibration } from '../ledger/calibration.ts'
import type { Hold } from '../ledger/hold.ts'
import { protocols } from '../protocols/index.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { Plan, Target } from '../routing/plan.ts'
import type { Attempt } from './attempt.ts'
import type { Asked, Exchange } from './exchange.ts'
import { costOf } from './meter.ts'
import type { Framings } from './reframe.ts'
import type { Deployment, SettingsData } from './snapshot.ts'
import { ChatTranslation, PlainTranslation, type Translation } from './translation.ts'
import type { Wording } from './wording.ts'

export interface AttemptOptions {
  number: number
  deployment: Deployment
  credentialId: string
  /** As the vendor is asked. */
  asked: Asked
  /** What the vendor speaks. */
  protocol: Protocol
  framings: Framings
  /** The format that the vendor tells errors in, and the id of the one in which the client is told them. */
  errors: Protocol
  clientErrors: string
  /** Into the client's format; null: it is the same. */
  translation: Translation | null
  hold: Hold
  calibration: Calibration
  stream: boolean
  /** A conversation that is wanted in one piece: no stream is an answer to it. */
  whole: boolean
  /** An answer that is neither JSON nor events passes as it comes. */
  bytes: boolean
  deadlines: SettingsData['deadlines']
  /** What is left of the request's time until its first token, or plain answer. */
  limitMs: number
  /** From here on it is given up, if `plan` lets it. */
  patienceMs: number
  plan: { mayGiveUp(nowMs: number): boolean }
  /** The usage chunk was asked for by us, not by the client. */
  stripUsage: boolean
  /** What the usage in a running answer costs, nano-dollars, where the client asked to be told. */
  costOf: ((attempt: Attempt, usage: unknown) => number) | null
}

export function attemptOptions(exchange: Exchange, wording: Wording, { deployment, credential, limitMs, patienceMs }: Target, plan: Plan, number: number, askedForUsage: boolean, hold: Hold, calibration: Calibration): AttemptOptions {
  const { protocol, asked, spoken } = wording
  const { includeCost } = exchange.options!
  const framings = { framing: spoken.framing ?? protocol.framing, ownFraming: protocol.framing, clientFraming: exchange.protocol.framing }
  return {
    number, deployment, credentialId: credential.id, asked, protocol, framings, errors: spoken.errors === undefined ? protocol : protocols.get(spoken.errors)!, clientErrors: exchange.protocol.cloud?.errors ?? exchange.protocol.id,
    translation: translationOf(exchange, wording, deployment, framings), hold, calibration, stream: asked.stream, whole: wording.endpoint.capability === 'chat' && !asked.stream, bytes: wording.endpoint.bytes === true,
    deadlines: exchange.snapshot.settings.deadlines, limitMs, patienceMs, plan,
    stripUsage: askedForUsage && !includeCost && wording.request === null,
    costOf: includeCost ? costOf : null,
  }
}

function translationOf({ protocol, id, clock, keeps }: Exchange, wording: Wording, { provider: { vendor } }: Deployment, framings: Framings): Translation | null {
  const { request, plain, endpoint: { capability } } = wording
  if (plain !== null) return new PlainTranslation({ from: wording.protocol.plain![capability]!, to: protocol.plain![capability]!, request: plain, usageIn: protocol.usageIn.answer, id })
  return request === null ? null : new ChatTranslation({
    from: wording.protocol.codec!, to: protocol.codec!, framings, proofs: vendor.proofs, request, usage: vendor.usage, keeps: keeps !== null, id, nowS: Math.floor(clock.epochMs() / 1000),
  })
}
