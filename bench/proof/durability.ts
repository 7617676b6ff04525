/** What a kill and a stop cost: the durability tests at full counts. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Kill and stop',
  claim: 'A gateway that is killed under load has lost no accepted usage older than a second and is ready again within two; one that is asked to stop cuts no stream.',
  method: 'Real processes on the embedded database: 20 × kill -9 with 8 clients running; SIGTERM with 500 open streams, each read to its end; every answered request is then looked up in the request log.',
  rows: await runTests(['test/durability/kill.test.ts', 'test/durability/database.test.ts'], signal),
})
