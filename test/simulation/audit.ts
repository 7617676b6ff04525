/** After a history: the ledger against itself, against the vendors' bill, and against what clients were told (P2 to P13). */
import { usageFlags } from '../../src/store/records.ts'
import { terminalOutcomes } from '../../src/store/ledger-entries.ts'
import { encodeId } from '../../src/store/ids.ts'
import { unpackVarints } from '../../src/store/varint.ts'
import type { Database } from '../../src/store/database.ts'
import { costOf, noUnits, type Bill, type Charge } from './bill.ts'
import type { Client } from './client.ts'
import { charsPerToken } from './script.ts'
import type { Promised, Report, Settled } from './watch.ts'

/** One row of `ledger_entry` with its texts. */
export interface Entry {
  lsn: number
  /** 0 settle, 1 void, 2 overhead. */
  kind: number
  attemptId: string
  requestId: string
  org: string
  orgId: number
  key: string
  /** What its amount counts for. */
  entities: readonly string[]
  model: string
  nano: bigint
  outcome: number
  flags: number
  heldAtUs: number
}

const quarterUs = 900_000_000

export function readEntries({ sqlite }: Database): Entry[] {
  const rows = sqlite!.prepare(`select e.lsn, e.kind, e.request_id, e.attempt, e.org, e.amount_nano, e.outcome, e.flags, e.held_at, e.entities, o.value as org_text, u.value as user_text, v.value as vendor_text, k.value as key_text, m.value as model_text
    from ledger_entry e join dimension o on o.id = e.org join dimension k on k.id = e.key_id join dimension m on m.id = e.model join dimension v on v.id = e.vendor left join dimension u on u.id = e.user_id order by e.lsn, e.kind`).all() as Record<string, unknown>[]
  const text = sqlite!.prepare('select value from dimension where id = ?').pluck()
  return rows.map((row) => {
    const [org, user] = [String(row['org_text']), row['user_text'] as string | null]
    const further = row['entities'] === null ? [] : unpackVarints(row['entities'] as Uint8Array).map((id) => text.get(id) as string)
    const requestId = encodeId('req', row['request_id'] as Uint8Array)
    return {
      lsn: Number(row['lsn']), kind: Number(row['kind']), attemptId: `${requestId}-${String(row['attempt'])}`, requestId, org, orgId: Number(row['org']), key: String(row['key_text']),
      entities: [`org:${org}`, `key:${String(row['key_text'])}`, `model:${org}/${String(row['model_text'])}`, `vendor:${org}/${String(row['vendor_text'])}`, ...(user === null ? [] : [`user:${user}`]), ...further],
      model: String(row['model_text']), nano: row['amount_nano'] as bigint, outcome: Number(row['outcome']), flags: Number(row['flags']), heldAtUs: Number(row['held_at']),
    }
  })
}

export function settledIn(entries: readonly Entry[]): Map<string, Settled> {
  const settled = new Map<string, Settled>()
  for (const { kind, attemptId, entities, heldAtUs, nano } of entries) if (kind < 2) settled.set(attemptId, { entities, heldAt: heldAtUs / 1000, nano: Number(nano) })
  return settled
}

/** P4, P5, P11: balances and totals are sums of entries, by nobody's code but this. */
export function foldEntries({ sqlite }: Database, entries: readonly Entry[], report: Report): void {
  const balances = new Map<string, bigint>()
  const totals = new Map<string, bigint>()
  const add = (sums: Map<string, bigint>, name: string, nano: bigint): void => void sums.set(name, (sums.get(name) ?? 0n) + nano)
  for (const { kind, entities, orgId, nano, outcome, flags, heldAtUs } of entries) {
    if (nano < 0n || (kind === 1 && nano !== 0n)) report('P4', `an entry of kind ${kind} has the amount ${nano}`)
    const quarter = Math.floor(heldAtUs / quarterUs) * quarterUs
    add(totals, `${orgId} ${kind} ${outcome} ${flags}`, nano)
    for (const entity of kind === 2 ? ['overhead'] : kind === 0 ? entities : []) add(balances, `${entity} ${quarter}`, nano)
  }
  const balanceRows = sqlite!.prepare('select entity, quarter, settled_nano as nano from account_balance').all() as { entity: string; quarter: bigint; nano: bigint }[]
  same('P5', 'balance', balances, new Map(balanceRows.map(({ entity, quarter, nano }) => [`${entity} ${quarter}`, nano])), report)
  const totalRows = sqlite!.prepare('select org, kind, outcome, flags, amount_nano as nano from ledger_total').all() as Record<string, bigint>[]
  same('P5', 'total', totals, new Map(totalRows.map(({ org, kind, outcome, flags, nano }) => [`${org} ${kind} ${outcome} ${flags}`, nano!])), report)
  const all = (kind: string): bigint => balanceRows.reduce((sum, { entity, nano }) => (entity.startsWith(`${kind}:`) ? sum + nano : sum), 0n)
  for (const kind of ['key', 'model', 'vendor']) if (all('org') !== all(kind)) report('P11', `organisations have ${all('org')} in sum, and what is named ${kind} ${all(kind)}`)
  for (const kind of ['team', 'user', 'tag']) if (all(kind) > 2n * all('org')) report('P11', `organisations have ${all('org')} in sum, and what is named ${kind} ${all(kind)}`)
}

function same(property: string, what: string, expected: Map<string, bigint>, found: Map<string, bigint>, report: Report): void {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    if ((expected.get(name) ?? 0n) !== (found.get(name) ?? 0n)) report(property, `${what} ${name}: ${found.get(name)} is written, and the entries are ${expected.get(name)}`)
  }
}

export interface Circumstances {
  bill: Bill
  clients: readonly Client[]
  promised: ReadonlyMap<string, Promised>
  /** Attempts that a power cut may have undone, before their client got a byte. */
  mayBeLost: ReadonlySet<string>
  /** Ends may have been lost with a process while the disk was full. */
  diskWasFull: boolean
  powerWasLost: boolean
  /** The vendor went on after the answer's end was known, or said nothing true: see `comparable`. */
  met(what: string, count?: number): void
}

const inexact = usageFlags.estimated | usageFlags.uncertain | usageFlags.anomalous | usageFlags.unpriced
/** What a crash may leave out of a running stream: what came since the last progress was noted and written, 50 ms at the pace of these vendors. */
const unnotedTokens = 1_500
/** docs/guides/budgets.md: what the vendor may have made beyond what reached the gateway, and thought unseen. */
const guardTokens = 16
const hiddenTokensPerSecond = 150
/** JSON around a plain answer: of one that was cut off only bytes are known. */
const frameTokens = 100

/** All entries of one attempt. */
interface End { nano: bigint; tenantNano: bigint; flags: number; outcome: string; count: number }

/** P7 of an attempt whose cost is not known: between what must have been charged and what may have been. */
function checkGuess(attemptId: string, end: End, { model, nano, units, isExcessive }: Charge, deliveredTokens: number, { promised, powerWasLost }: Circumstances, report: Report): void {
  const { mode, inputNano, heldNano, tookUs } = promised.get(attemptId)!
  const told = `${attemptId} (${end.outcome}, flags ${end.flags}, ${mode})`
  if (mode === 'strict' && end.tenantNano > BigInt(heldNano)) report('P7', `${told} cost its tenant ${end.tenantNano} and had held ${heldNano}`)
  if (end.flags & (usageFlags.unpriced | usageFlags.anomalous)) return
  // The input that was estimated or, where the vendor said how much it is, that one.
  const input = costOf(model, { ...units, output: 0, reasoning: 0 })
  const least = input < BigInt(inputNano) ? input : BigInt(inputNano)
  // With the power went the end of an answer, and with it what was delivered since the last progress: all of it where there is none.
  // What is more than the vendor was allowed is not estimated either.
  const isUnknown = isExcessive || (end.outcome === 'crashed' && powerWasLost)
  const tokens = isUnknown ? 0 : Math.max(0, deliveredTokens - (end.outcome === 'crashed' ? unnotedTokens : 0))
  const output = costOf(model, { ...noUnits, output: tokens })
  if (end.nano < least + output - 1n && !(end.flags & usageFlags.overBound)) report('P7', `${told} cost ${end.nano}, its input ${least} and ${tokens} tokens that were delivered ${output}`)
  // What estimates are told to add: half a token for a character where a quarter is true, what may have been thought unseen, and what an abort may not have stopped.
  const inputMost = input > BigInt(inputNano) ? input : BigInt(inputNano)
  const unseen = guardTokens + Math.ceil(tookUs / 1e6 * hiddenTokensPerSecond) + (end.outcome === 'truncated' ? frameTokens : 0)
  const most = inputMost + 2n * dearest(model, units.output + units.reasoning) + dearest(model, unseen)
  if (mode !== 'strict' && end.nano > most && end.nano > BigInt(heldNano)) report('P7', `${told} cost ${end.nano}, was charged ${nano}, which an estimate takes for ${most} at most, and had held ${heldNano}`)
}

const dearest = (model: string, tokens: number): bigint => {
  const [output, reasoning] = [costOf(model, { ...noUnits, output: tokens }), costOf(model, { ...noUnits, reasoning: tokens })]
  return output > reasoning ? output : reasoning
}

export interface Compared { attempts: number; nano: bigint }

/** P2 and P7: one end for each attempt that a vendor saw, at the vendor's price. */
export function compareWithBill(entries: readonly Entry[], circumstances: Circumstances, report: Report): Compared {
  const { bill, mayBeLost, met } = circumstances
  const ends = new Map<string, End>()
  for (const { attemptId, kind, nano, flags, outcome } of entries) {
    const end = ends.get(attemptId) ?? { nano: 0n, tenantNano: 0n, flags, outcome: terminalOutcomes[outcome]!, count: 0 }
    end.nano += nano
    if (kind < 2) {
      end.tenantNano += nano
      end.count++
    }
    ends.set(attemptId, end)
  }
  const delivered = deliveredOf(circumstances.clients)
  let attempts = 0
  let billed = 0n
  for (const charge of bill.charges.values()) {
    const { attemptId, model, vendor, nano, final } = charge
    const end = ends.get(attemptId)
    if (!final) report('liveness', `the vendor still works on ${attemptId}`)
    if (!end) {
      if (!mayBeLost.has(attemptId)) report('P2', `${vendor} saw ${attemptId}, and the ledger did not`)
      continue
    }
    if (end.count !== 1) report('P2', `${attemptId} ended ${end.count} times`)
    attempts++
    billed += nano
    met(`ends ${end.outcome}`)
    met(end.flags & inexact ? 'estimated' : 'exact')
    if (!(end.flags & inexact)) {
      // Of a hold whose dispatch went with the power recovery can't know that it was one.
      if (end.outcome === 'crashed' && end.nano === 0n && mayBeLost.has(attemptId)) continue
      if (end.nano !== nano) report('P7', `${attemptId} (${end.outcome}) cost ${end.nano}, and ${vendor} charges ${nano} for ${model}`)
      continue
    }
    checkGuess(attemptId, end, charge, delivered.get(attemptId) ?? 0, circumstances, report)
  }
  for (const [attemptId, { nano, flags, outcome }] of ends) {
    if (bill.charges.has(attemptId)) continue
    met(`ends ${outcome}`)
    if (nano > 0n && !(flags & inexact)) report('P7', `${attemptId} (${outcome}) cost ${nano}, and no vendor saw it`)
  }
  const all = entries.reduce((sum, { nano }) => sum + nano, 0n)
  const isExact = mayBeLost.size === 0 && entries.every(({ flags }) => !(flags & inexact))
  if (isExact && all !== billed) report('P7', `the ledger is ${all} in sum, and the vendors charge ${billed}`)
  if (isExact) met('exact histories')
  if (bill.twice.length > 0) report('P2', `${bill.twice[0]} was sent twice`)
  return { attempts, nano: billed }
}

/** It says of the first request what it repeats. */
const isReplay = ({ headers }: NonNullable<Client['head']>): boolean => headers['x-megarouter-replayed'] !== undefined

/** Output tokens that reached clients, by the attempt that they came from. */
function deliveredOf(clients: readonly Client[]): Map<string, number> {
  const delivered = new Map<string, number>()
  for (const client of clients) {
    if (client.requestId === null || client.head?.status !== 200 || isReplay(client.head)) continue
    let chars = 0
    for (const [, text] of client.text.matchAll(/"content":"(x*)/g)) chars += text!.length
    if (client.answeredBy !== null) delivered.set(`${client.requestId}-${client.answeredBy}`, Math.floor(chars / charsPerToken))
  }
  return delivered
}

/** P8, P12, durability: what clients were told is true. */
export function checkClients(entries: readonly Entry[], { bill, clients, diskWasFull, powerWasLost }: Circumstances, report: Report): void {
  const seen = new Set([...bill.charges.keys()].map((attemptId) => attemptId.slice(0, attemptId.lastIndexOf('-'))))
  const outcomes = new Map(entries.filter(({ kind }) => kind < 2).map(({ attemptId, outcome }) => [attemptId, terminalOutcomes[outcome]!]))
  for (const { requestId, head, end, text, answeredBy } of clients) {
    if (requestId === null || head === null) continue
    const attempts = Number(head.headers['x-megarouter-attempts'])
    if ([402, 403, 429, 503].includes(head.status) && attempts === 0 && seen.has(requestId)) report('P8', `${requestId} was refused with ${head.status}, and a vendor saw it`)
    if (end !== 'complete' || answeredBy === null || isReplay(head)) continue
    const outcome = outcomes.get(`${requestId}-${answeredBy}`)
    const isFailure = head.status !== 200 || text.includes('"error":')
    // Of an attempt whose dispatch the disk refused nothing is waited for: it was not sent. A shutdown tells failures that a full disk never takes.
    if (isFailure && (diskWasFull || (outcome === undefined && powerWasLost))) continue
    if (outcome === undefined) report('durability', `${requestId} was answered, and its attempt is not in the ledger`)
    else if (outcome === 'crashed' && !powerWasLost) report('durability', `${requestId} was answered to its end, and its attempt is settled as crashed`)
  }
  checkRepeats(entries, clients, powerWasLost, report)
}

function checkRepeats(entries: readonly Entry[], clients: readonly Client[], powerWasLost: boolean, report: Report): void {
  const charged = new Set(entries.filter(({ kind, nano }) => kind === 0 && nano > 0n).map(({ requestId }) => requestId))
  const groups = new Map<string, Client[]>()
  for (const client of clients) {
    const { idempotencyKey, key } = client.call
    if (idempotencyKey !== null && client.requestId !== null) groups.set(`${key} ${idempotencyKey}`, [...(groups.get(`${key} ${idempotencyKey}`) ?? []), client])
  }
  for (const [name, group] of groups) {
    const paid = group.filter(({ requestId }) => charged.has(requestId!))
    if (paid.length > 1 && !powerWasLost) report('P12', `${name.slice(-6)} was charged ${paid.length} times: ${paid.map(({ requestId }) => requestId).join(', ')}`)
    // A request that ended without output and cost nothing leaves its key free. Comments of a stream are not part of its answer.
    const answers = new Set(group.filter(({ end, head, text }) => end === 'complete' && head?.status === 200 && text.includes('"content":"x')).map(({ text }) => text.replaceAll(/^: .*\n\n/gm, '')))
    if (answers.size > 1 && !powerWasLost) report('P12', `${name.slice(-6)} has ${answers.size} different answers`)
  }
}
