/** The codes that have no transcript, each with its reason, and what is missing: a code that has neither, or a reason that is none any more. */
import { statuses } from '../../src/control/errors.ts'
import { errorTable } from '../../src/errors.ts'
import type { Shown } from './stage.ts'

export interface Told { api: readonly Shown[]; admin: readonly Shown[] }
type Plane = keyof Told

const defect = 'It takes a defect: what is foreseen has a code of its own.'

export const untold: Readonly<Record<Plane, Readonly<Record<string, string>>>> = {
  api: {
    internal_error: defect,
    request_timeout: 'It takes a body that stays away for a minute.',
    overloaded: 'It takes half a gigabyte of bodies at once, or a process that is short of memory. The admin API has one.',
    not_ready: 'The gateway listens once it is ready, so it takes the instant between.',
    key_lookup_unavailable: 'It takes a database that has been silent for 15 s.',
    response_not_found: 'It takes a gateway that keeps responses, which is off by default.',
    responses_unavailable: 'It takes a database that is silent when a kept response is asked for.',
    feedback_unavailable: 'It takes a database that is silent when feedback comes.',
    ledger_unavailable: 'It takes a full disk, or a database that is silent when a budget is used for the first time.',
  },
  admin: {
    internal_error: defect,
    bootstrap_token_expired: 'It takes a token that is a day old.',
    oidc_refused: 'It takes a browser that comes back from the OpenID provider: it is shown the log-in page with this code.',
    oidc_not_admitted: 'It takes a browser that comes back from the OpenID provider: it is shown the log-in page with this code.',
    data_plane_silent: 'It takes a data plane that is busy for a second.',
  },
}

export const codesOf: Readonly<Record<Plane, readonly string[]>> = { api: Object.keys(errorTable), admin: Object.keys(statuses) }

/** In sentences; empty: all is there. */
export function gaps(told: Told): string[] {
  return (['api', 'admin'] as const).flatMap((plane) => {
    const shown = new Set(told[plane].map(({ code }) => code))
    const reasons = untold[plane]
    return [
      ...codesOf[plane].filter((code) => !shown.has(code) && !Object.hasOwn(reasons, code)).map((code) => `${plane}: ${code} has no transcript: provoke it in scripts/refusals, or say in scripts/refusals/untold.ts why that cannot be.`),
      ...Object.keys(reasons).filter((code) => shown.has(code)).map((code) => `${plane}: ${code} has a transcript: take its reason out of scripts/refusals/untold.ts.`),
      ...Object.keys(reasons).filter((code) => !codesOf[plane].includes(code)).map((code) => `${plane}: there is no ${code}: take it out of scripts/refusals/untold.ts.`),
    ]
  })
}
