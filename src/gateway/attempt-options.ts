/** What an attempt is made of. */
import type { Calibration } from '../ledger/calibration.ts'
import type { Hold } from '../ledger/hold.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { Attempt } from './attempt.ts'
import type { Asked } from './exchange.ts'
import type { Framings } from './reframe.ts'
import type { Deployment, SettingsData } from './snapshot.ts'
import type { Translation } from './translation.ts'

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
