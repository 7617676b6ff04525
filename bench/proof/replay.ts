/** Real traffic through the gateway: every recorded exchange, by bytes, by SDK and by bill. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Recorded traffic',
  claim: 'What a client sees through the gateway is what the vendor sent, and what is recorded is what the vendor would bill, to the nano-dollar.',
  method: 'Every recorded OpenAI-compatible exchange of test/fixtures/recorded goes through a gateway process to the test upstream: bytes of request and response against the documented edits, the official SDK against the SDK on the recorded bytes, whole, random and one-byte chunks; usage and cost against a bill that shares no code with the gateway.',
  rows: await runTests(['test/conformance/replay.test.ts', 'test/conformance/bill.test.ts'], signal),
})
