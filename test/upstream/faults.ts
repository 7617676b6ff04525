/**
 * The fault language of the test upstream. Faults travel in the model name, so that any process can ask for them:
 * `echo-50+stall@200:5000+chunk:1` streams 50 tokens byte by byte and stalls for 5 s after 200 body bytes.
 * An unknown word is an error, not a silently healthy answer.
 */
export type UsageFault = 'missing' | 'zero' | 'negative' | 'huge' | 'cumulative' | 'early' | 'late'

export interface Faults {
  /** Wait before the response headers, and between headers and the first body byte. */
  delayMs: number
  firstMs: number
  /** Wait before each event after the first. */
  paceMs: number
  /** Positions are body bytes that are sent before the fault strikes. `ms` null: for ever. */
  stall: { at: number; ms: number | null } | null
  cutAt: number | null
  resetAt: number | null
  /** The body ends here in correct HTTP framing. */
  trimAt: number | null
  /** An error in the stream after so many events. */
  error: { afterEvents: number; form: 'data' | 'event' } | null
  usage: UsageFault | null
  /** Size of one extra event. */
  giantBytes: number
  /** One line that never ends, until the client leaves or so many bytes are sent. */
  endlessBytes: number
  lineEnd: '\n' | '\r\n' | '\r'
  noBlankLine: boolean
  noEnd: boolean
  /** Comments and empty role chunks instead of output, so many, one each `paceMs` (at least 10 ms). */
  pings: number
  /** Added to the true content-length. */
  lengthDelta: number | null
  /** A second, unasked response on the socket: with the last bytes of the answer (0) or so many ms later. */
  poisonMs: number | null
  status: number | null
  retryAfter: string | null
  html: boolean
  okError: boolean
  empty: boolean
  gzip: boolean
  blackHole: boolean
  headerBytes: number
  headerCount: number
  /** Only the first so many requests for this model name are faulty; 0: all. */
  fails: number
  /** Of the requests for this model name so many in a hundred are faulty, drawn by the seed. */
  percent: number
  /** Body bytes per HTTP chunk: `random` (seeded), `whole` (one chunk for each event up to 64 KiB) or a number. Null: random for recorded answers, else whole. */
  chunk: 'random' | 'whole' | number | null
  /** The vendor bills the whole answer although the client left. */
  billsAfterAbort: boolean
}

export const noFaults = (): Faults => ({
  delayMs: 0, firstMs: 0, paceMs: 0, stall: null, cutAt: null, resetAt: null, trimAt: null, error: null, usage: null, giantBytes: 0, endlessBytes: 0,
  lineEnd: '\n', noBlankLine: false, noEnd: false, pings: 0, lengthDelta: null, poisonMs: null, status: null, retryAfter: null, html: false,
  okError: false, empty: false, gzip: false, blackHole: false, headerBytes: 0, headerCount: 0, fails: 0, percent: 100, chunk: null, billsAfterAbort: false,
})

const usageFaults: readonly string[] = ['missing', 'zero', 'negative', 'huge', 'cumulative', 'early', 'late'] satisfies UsageFault[]

/** `name@position:value`; what each word sets. */
const words: Record<string, (faults: Faults, at: number, value: string) => void> = {
  delay: (faults, _, value) => { faults.delayMs = number(value) },
  first: (faults, _, value) => { faults.firstMs = number(value) },
  pace: (faults, _, value) => { faults.paceMs = number(value) },
  stall: (faults, at, value) => { faults.stall = { at, ms: value === '' ? null : number(value) } },
  cut: (faults, at) => { faults.cutAt = at },
  reset: (faults, at) => { faults.resetAt = at },
  trim: (faults, at) => { faults.trimAt = at },
  error: (faults, at) => { faults.error = { afterEvents: at, form: 'data' } },
  'error-event': (faults, at) => { faults.error = { afterEvents: at, form: 'event' } },
  usage: (faults, _, value) => {
    if (!usageFaults.includes(value)) throw new Error(`usage:${value} is unknown; there is ${usageFaults.join(', ')}`)
    faults.usage = value as UsageFault
  },
  giant: (faults, _, value) => { faults.giantBytes = megabytes(value) },
  endless: (faults, _, value) => { faults.endlessBytes = value === '' ? megabytes('1024') : megabytes(value) },
  crlf: (faults) => { faults.lineEnd = '\r\n' },
  cr: (faults) => { faults.lineEnd = '\r' },
  noblank: (faults) => { faults.noBlankLine = true },
  noend: (faults) => { faults.noEnd = true },
  pings: (faults, _, value) => { faults.pings = number(value) },
  length: (faults, _, value) => { faults.lengthDelta = Number.parseInt(value, 10) },
  poison: (faults, _, value) => { faults.poisonMs = value === '' ? 0 : number(value) },
  status: (faults, _, value) => { faults.status = number(value) },
  'retry-after': (faults, _, value) => { faults.retryAfter = value },
  'retry-date': (faults, _, value) => { faults.retryAfter = new Date(Date.now() + number(value) * 1000).toUTCString() },
  html: (faults) => { faults.html = true },
  'ok-error': (faults) => { faults.okError = true },
  empty: (faults) => { faults.empty = true },
  gzip: (faults) => { faults.gzip = true },
  blackhole: (faults) => { faults.blackHole = true },
  'header-kb': (faults, _, value) => { faults.headerBytes = number(value) * 1024 },
  headers: (faults, _, value) => { faults.headerCount = number(value) },
  fails: (faults, _, value) => { faults.fails = number(value) },
  percent: (faults, _, value) => { faults.percent = number(value) },
  chunk: (faults, _, value) => { faults.chunk = value === 'whole' || value === 'random' ? value : number(value) },
  bills: (faults) => { faults.billsAfterAbort = true },
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new Error(`"${value}" is not a whole number`)
  return Number(value)
}
const megabytes = (value: string): number => number(value) * 1024 * 1024

/** Reads `word+word…`; an empty text is no fault. Throws with the word that is wrong. */
export function parseFaults(text: string): Faults {
  const faults = noFaults()
  for (const part of text.split('+')) {
    if (part === '') continue
    const [, name = '', at = '0', value = ''] = /^([a-z-]+)(?:@(\d+))?(?::(.+))?$/.exec(part) ?? []
    const apply = words[name]
    if (apply === undefined) throw new Error(`The fault "${part}" is unknown; there is ${Object.keys(words).join(', ')}.`)
    apply(faults, Number(at), value)
  }
  return faults
}

/** `base+faults` of a model name. */
export function splitModel(model: string): { base: string; faults: string } {
  const plus = model.indexOf('+')
  return plus < 0 ? { base: model, faults: '' } : { base: model.slice(0, plus), faults: model.slice(plus + 1) }
}
