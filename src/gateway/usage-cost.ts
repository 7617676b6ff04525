/** Money in answers: `cost_usd` beside the tokens, added to an answer or event only where the client asked for it. */
import { addMember, splice } from '../wire/json-edit.ts'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import { framed, type Framings } from './reframe.ts'

/** Integer nano-dollars as a plain decimal of dollars, without rounding. */
export function usd(nano: number): string {
  const whole = Math.floor(nano / 1e9)
  const rest = String(nano % 1e9).padStart(9, '0').replace(/0+$/, '')
  return rest === '' ? String(whole) : `${whole}.${rest}`
}

const scan = (bytes: Buffer): JsonScanner => {
  const scanner = new JsonScanner({ maxDepth: 1000, maxKeys: 1_000_000, unique: noUniqueKeys })
  scanner.push(bytes)
  return scanner
}

/** The same bytes with `cost_usd` behind the last member of the object at `path`; unchanged when there is none. */
export function withCost(json: Buffer, path: readonly string[], costNano: number): Buffer {
  let [from, to] = [0, json.length]
  for (const key of path) {
    const member = scan(json.subarray(from, to)).find(key)
    if (!member || json[from + member.valueStart] !== 0x7b) return json
    ;[from, to] = [from + member.valueStart, from + member.valueEnd]
  }
  const inner = json.subarray(from, to)
  const edited = splice(inner, [addMember(scan(inner).members, 0, 'cost_usd', usd(costNano))])
  return Buffer.concat([json.subarray(0, from), edited, json.subarray(to)])
}

/** An event of a stream with the cost in it; null where it cannot be added. */
export function eventWithCost(framings: Framings, name: string, json: string, path: readonly string[], costNano: number): Buffer | null {
  // What stands between the elements of an array belongs to them.
  return framings.clientFraming === 'json-array' ? null : framed(framings, name, withCost(Buffer.from(json), path, costNano).toString())
}
