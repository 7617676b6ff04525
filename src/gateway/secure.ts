/**
 * Waits for the journal before a client learns something: nothing of an attempt that a power cut could still undo, and no end
 * that a kill could. Usually the upstream took longer than the disk. A full disk gets time to take the end; after that the
 * answer is withheld, so that none is given that could be lost from the ledger.
 */
import type { After, Clock } from '../clock.ts'
import type { Failure } from '../errors.ts'
import type { Hold } from '../ledger/hold.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { endNotWritten } from '../ledger/refusals.ts'
import { limits } from '../limits.ts'
import type { Attempt } from './attempt.ts'
import { tickMs } from './deadlines.ts'
import type { Exchange } from './exchange.ts'

/** Of what was dispatched for a request, the last: with it all before it survive, also one that ran beside the attempt that answers. */
const lastDispatched = (exchange: Exchange, attempt: Attempt): Hold => {
  const newest = exchange.attempts.at(-1)!.options.hold
  return newest.isDispatched ? newest : attempt.options.hold
}

/** Null where nothing has to be waited for. */
export function secure(exchange: Exchange, ledger: Ledger, attempt: Attempt): Promise<void> | null {
  const { clock } = exchange
  const { dispatchWaitUs } = attempt
  const hold = lastDispatched(exchange, attempt)
  const synced = hold.whenDurable()
  const written = synced ?? hold.whenWritten()
  if (written !== null) return secureAfter(written, clock, ledger, dispatchWaitUs, hold)
  ledger.waited(dispatchWaitUs)
  return null
}

async function secureAfter(written: Promise<void>, clock: Clock, ledger: Ledger, dispatchWaitUs: number, hold: Hold): Promise<void> {
  const since = clock.monotonicUs()
  await written
  await hold.whenWritten()
  ledger.waited(dispatchWaitUs + clock.monotonicUs() - since)
}

/** The same for an attempt whose failure is told. */
export async function secureFailure(exchange: Exchange, after: After): Promise<void> {
  const { last } = exchange
  if (last === null) return
  const { hold } = last.options
  const dispatched = lastDispatched(exchange, last)
  // What the disk refused was not sent.
  if (!dispatched.isDispatched) return
  await dispatched.whenDurable()
  // It is told in any case: nothing was delivered that could be lost.
  await untilEndWritten(exchange, hold, after)
}

/** Waits while a full disk refuses the end. A failure: it still does, and the client must not learn of it; null where it has gone, too. */
export async function untilEndWritten(exchange: Exchange, hold: Hold, after: After): Promise<Failure | null> {
  const untilUs = exchange.clock.monotonicUs() + limits.endRefusedMs * 1000
  for (hold.write(); !hold.isEndWritten; hold.write()) {
    if (exchange.clientGone) return null
    if (exchange.cutBy || exchange.clock.monotonicUs() >= untilUs) return endNotWritten
    await pause(exchange, tickMs, after)
  }
  return null
}

/** Waits, unless the client leaves first. */
export function pause(exchange: Exchange, delayMs: number, after: After): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      exchange.wake = null
      resolve()
    }
    const cancel = after(Math.min(delayMs, limits.retryAfterMs), done)
    exchange.wake = done
  })
}
