/** Money under faults: the simulator at full counts, and the invariants that were broken to see them found. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Money under faults',
  claim: 'No death of a process or of its machine, no fault of disk, database, vendor or client makes money appear, vanish or count twice; and the simulator that says so finds what is broken on purpose.',
  method: 'Each seed is one history in virtual time: the real pipeline, admission, ledger, journal, recovery, repeats, follower and database code, with simulated sockets, disk and vendors, and a random part of all faults. The accounts are compared with a second book after each event; at the end the ledger is compared with its own rows, with itself applied anew, with what clients were told, and call by call with the bill of vendors that share no code with the gateway.',
  rows: await runTests(['test/simulation/simulation.test.ts', 'test/simulation/mutants.test.ts'], signal),
})
