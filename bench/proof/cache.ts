/** The exact cache: whose answer, of which request, as it was. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'The exact cache',
  claim: 'An answer that is given again is of the same tenant, policy and credentials, has the same bytes and costs nothing; only whole answers are kept.',
  method: 'Sequences at random of requests by keys of several organisations and teams, under several policies, streamed and not, with credentials of their own that come and go: a model of what may be shared says which must be a hit, and every answer carries the credential that it was made with. Then each format of clients, streamed and not, in the vendor\'s own format and translated: the bytes of a hit beside those of the miss; answers that were cut, broken, refused, withheld or left; time to live, bounds, revocation, changed policies. The gateway is a real one on loopback, the clock of the cache is the test\'s.',
  rows: await runTests(['test/gateway/cache.test.ts', 'test/conformance/cache.test.ts', 'src/gateway/cache-key.test.ts', 'src/gateway/answer-cache.test.ts'], signal),
})
