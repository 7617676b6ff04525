/** What an attempt is made of. */
import type { Calibration } from '../ledger/calibration.ts'
import type { Hold } from '../ledger/hold.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { Attempt } from './attempt.ts'
import type { Deployment, SettingsData } from './snapshot.ts'

export interface AttemptOptions {
  number: number
  deployment: Deployment
  credentialId: string
  protocol: Protocol
  hold: Hold
  calibration: Calibration
  stream: boolean
  deadlines: SettingsData['deadlines']
  /** What is left of the request's time until its first token, or plain answer. */
  limitMs: number
  /** From here on it is given up, if `plan` lets it. */
  patienceMs: number
  plan: { mayGiveUp(nowMs: number): boolean }
  /** The usage chunk was asked for by us, not by the client. */
  stripUsage: boolean
  /** Rewrites the JSON of the event that carries usage, when the client asked for its cost. */
  rewriteUsage: ((attempt: Attempt, json: string, usage: unknown) => string) | null
}
