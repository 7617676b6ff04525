/** Budgets that are never exceeded: model tests, periods and real concurrency at full counts. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Budgets',
  claim: 'A hard budget is not exceeded by one nano-dollar, refuses nothing that fits, and holds nothing for requests that have ended, whatever clients, clocks, the database and those who change budgets do.',
  method: 'Random histories of admission, ledger and accounts against a reference in bigint that shares no code with them; periods of every IANA zone and rule from 2024 to 2030; 1,000 concurrent requests through the data plane with a journal on a disk, where each state between two changes of the ledger is looked at and the sum is compared with the bill of the test upstream; streams that are left at random bytes.',
  rows: await runTests(['test/ledger/properties.test.ts', 'test/ledger/periods.test.ts', 'test/ledger/concurrency.test.ts', 'src/ledger/ledger.test.ts', 'src/ledger/accounts.test.ts'], signal),
})
