/**
 * The fault matrix as data: for each fault of the test upstream what a client of the gateway sees and what the ledger says, for a
 * stream and for a plain answer. Written from streams.md and money.md's outcomes; `matrix.test.ts` runs every cell.
 * The upstream answers with 30 tokens. In a stream byte 100 lies in the role chunk, 250 in the first token's event and 900 behind
 * several; a plain answer is shorter than 900 bytes, so a fault there never strikes.
 */

export type Seen =
  /** The bytes that a direct client of the faulty upstream gets. */
  | { kind: 'same' }
  /** 200 and complete, without an error; the bytes may differ at the end. */
  | { kind: 'complete' }
  /** An HTTP status with an error in OpenAI's form. */
  | { kind: 'error'; status: number; code: string | null }
  /** The upstream's own error status and body, byte for byte. */
  | { kind: 'passed'; status: number }
  /** Output, then an error event, no [DONE]. */
  | { kind: 'broken'; code: string }

/** What each attempt of the request must have been settled as. */
export type Settled =
  /** The vendor's bill to the nano-dollar. */
  | 'exact'
  | 'nothing'
  /** Input only, since nothing came back: estimated and uncertain. */
  | 'input'
  /** What came of an answer that the client never got, marked as an estimate. */
  | 'cut'
  /** What was delivered, marked as an estimate. */
  | 'estimate'
  /** Impossible usage: bounded, marked anomalous or estimated, never negative. */
  | 'anomalous'

export interface Cell {
  seen: Seen
  settled: Settled
}

export interface Row {
  fault: string
  stream: Cell
  plain: Cell
}

const same: Seen = { kind: 'same' }
const error = (status: number, code: string | null): Seen => ({ kind: 'error', status, code })
const broken = (code: string): Seen => ({ kind: 'broken', code })
const cell = (seen: Seen, settled: Settled): Cell => ({ seen, settled })
const row = (fault: string, stream: Cell, plain: Cell = stream): Row => ({ fault, stream, plain })

const healthy = cell(same, 'exact')
const truncated = cell(error(502, 'upstream_truncated'), 'input')
const cutPlain = cell(error(502, 'upstream_truncated'), 'cut')
const truncatedStream = cell(broken('upstream_truncated'), 'estimate')
const timedOut = cell(error(504, 'upstream_timeout'), 'input')

/** Deadlines of the gateway under test, short so that the matrix is quick. */
export const deadlines = { first_token_ms: 500, idle_ms: 500, total_ms: 20_000, commit_after_ms: 10_000, client_stall_ms: 60_000 }

const slow = ['delay:100', 'first:100', 'pace:3', 'stall@100:100', 'stall@900:100', 'chunk:1', 'chunk:7', 'chunk:random']
const statuses = [400, 401, 402, 403, 404, 409, 422, 429, 500, 502, 503, 529]

export const matrix: readonly Row[] = [
  row('', healthy),
  ...slow.map((fault) => row(fault, healthy)),
  // Forms of a healthy stream.
  ...['crlf', 'cr', 'noblank', 'gzip', 'headers:50', 'header-kb:4', 'giant:3', 'poison', 'poison:5'].map((fault) => row(fault, healthy)),
  // Silence.
  row('blackhole', timedOut),
  row('delay:15000', timedOut),
  row('first:15000', timedOut),
  row('stall@0', timedOut),
  row('stall@100', timedOut),
  row('stall@250', timedOut),
  row('stall@900', cell(broken('upstream_timeout'), 'estimate'), healthy),
  row('pings:200', timedOut, healthy),
  row('pings:5', truncated, healthy),
  // Endings in the middle: before the first token a status, afterwards an error event.
  ...['cut', 'reset', 'trim'].flatMap((name) => [row(`${name}@0`, truncated), row(`${name}@100`, truncated, cutPlain), row(`${name}@250`, truncated, cutPlain), row(`${name}@900`, truncatedStream, healthy)]),
  row('noend', cell(broken('upstream_truncated'), 'exact'), healthy),
  // Errors under status 200.
  ...['error@0', 'error@1', 'error-event@0', 'error-event@1'].map((fault) => row(fault, cell(error(502, 'scripted_error'), 'nothing'), healthy)),
  ...['error@5', 'error-event@5'].map((fault) => row(fault, cell(broken('scripted_error'), 'estimate'), healthy)),
  row('ok-error', cell(error(502, 'scripted_error'), 'nothing')),
  row('empty', truncated),
  // Framing that lies.
  row('length:-5', cell({ kind: 'complete' }, 'exact'), cutPlain),
  row('length:5', healthy, cutPlain),
  // Usage that lies.
  row('usage:missing', cell(same, 'estimate')),
  ...['zero', 'negative', 'huge'].map((value) => row(`usage:${value}`, cell(same, 'anomalous'))),
  ...['cumulative', 'early'].map((value) => row(`usage:${value}`, healthy)),
  row('usage:late', healthy),
  // Statuses.
  ...statuses.map((status) => row(`status:${status}`, cell({ kind: 'passed', status }, 'nothing'))),
  row('status:429+retry-after:60', cell({ kind: 'passed', status: 429 }, 'nothing')),
  row('status:503+retry-date:60', cell({ kind: 'passed', status: 503 }, 'nothing')),
  row('status:502+html', cell(error(502, 'upstream_error'), 'nothing')),
  row('header-kb:512', cell(error(502, null), 'input')),
  // Two failures are one too many for one retry; one is not.
  row('status:500+fails:1', healthy),
  row('cut@0+fails:1', healthy),
]

/** Cells that move much data: they run alone. */
export const heavy: readonly Row[] = [row('endless:64', cell({ kind: 'complete' }, 'exact'), cell(error(502, 'upstream_truncated'), 'input'))]
