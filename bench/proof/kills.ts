/** The ledger after a thousand deaths: real processes killed under load, compared with the bill of their upstream. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Money through kill -9',
  claim: 'A gateway that is killed at any moment accounts for every attempt that its upstream saw exactly once: to the nano-dollar, or marked where the death left it unknown; nothing stays reserved, and a million journal records delay no start.',
  method: 'Two gateways, each with its own upstream in the test’s process that keeps its own bill; 200 requests a second offered to each, plain and streams, quick and slow, some answered with 503, over keys without, with a strict and with a standard budget; 500 × kill -9 each after 150 to 400 ms, and a start on the same data. Then `megarouter ledger verify`, and the ledger is read past the gateway’s code and compared with the bill attempt by attempt. Apart from that, a journal of 1,000,000 records of which the database has none.',
  rows: await runTests(['test/durability/money.test.ts'], signal),
})
