/** What goes wrong upstream and at the client: the fault matrix at full counts. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Faults',
  claim: 'Each fault of an upstream or a client ends as docs/request-path.md says, ends no process, and a refused request costs nothing.',
  method: 'Every fault of the test upstream × stream and plain, clients that leave, stall or send nonsense, against a gateway process.',
  rows: await runTests(['test/faults/matrix.test.ts', 'test/faults/clients.test.ts'], signal),
})
