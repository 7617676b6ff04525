/** `megarouter ledger`: proves the ledger from its own rows, and shows its sums. Both may run beside the gateway. */
import type { Command } from 'commander'
import { positions, totals } from '../store/ledger.ts'
import { findingLimit, verifyLedger } from '../store/ledger-verify.ts'
import { flagNames, usageFlagOf } from '../store/records.ts'
import { withInstallation } from './installation.ts'
import { count, dollars, table, type Io, type Output } from './io.ts'

export function ledger(program: Command, io: Io, output: () => Output, fail: () => void): void {
  const command = program.command('ledger').description('what was charged, and whether it adds up')
  command.command('verify').description('recompute hash chain, balances and totals from the entries; exit code 1 when something is wrong')
    .action(() => withInstallation(io, async ({ database }) => {
      const { findings, ...sizes } = await verifyLedger(database)
      if (findings.length > 0) fail()
      output().show({ consistent: findings.length === 0, ...sizes, findings }, () => (findings.length === 0
        ? [`ledger is consistent: ${count(sizes.entries)} entries, ${count(sizes.batches)} batches, ${count(sizes.nodes)} nodes`]
        : [...findings.map(({ what, where }) => `${where}: ${what}`), `ledger is NOT consistent: ${findings.length >= findingLimit ? 'at least ' : ''}${count(findings.length)} findings in ${count(sizes.entries)} entries`]))
    }))
  command.command('summary').description('sums of everything that was charged; the running gateway alone knows what is held')
    .action(() => withInstallation(io, async ({ database, organisation }) => {
      const { settledNano, overheadNano, entries, outcomes, flags } = await totals(database, { org: organisation.id })
      const nodes = await positions(database)
      const ended = Object.entries(outcomes).map(([outcome, sums]) => ({ outcome, ...sums }))
      const flagged = Object.fromEntries(flagNames.map((name) => [name, flags[usageFlagOf[name]]]))
      const data = {
        settledNano: String(settledNano), overheadNano: String(overheadNano), entries, flags: flagged, nodes,
        outcomes: Object.fromEntries(ended.map(({ outcome, count, settledNano, overheadNano }) => [outcome, { count, settledNano: String(settledNano), overheadNano: String(overheadNano) }])),
      }
      output().show(data, () => [
        `settled ${dollars(settledNano)}, paid by the gateway itself ${dollars(overheadNano)}, in ${count(entries)} entries`, '',
        ...table(ended, columns, 'No attempt has ended yet.'), '',
        ...Object.entries(flagged).filter(([, attempts]) => attempts > 0).map(([flag, attempts]) => `${flag}: ${count(attempts)} attempts`),
        ...nodes.map(({ node, appliedLsn, rejected }) => `${node}: applied up to LSN ${count(appliedLsn)}${rejected > 0 ? `; ${count(rejected)} records could not be applied, each is a defect` : ''}`),
      ])
    }))
}

interface Line { outcome: string; count: number; settledNano: bigint; overheadNano: bigint }
const columns = [
  { title: 'OUTCOME', value: (line: Line) => line.outcome },
  { title: 'ATTEMPTS', value: (line: Line) => count(line.count), right: true },
  { title: 'SETTLED', value: (line: Line) => dollars(line.settledNano), right: true },
  { title: 'OVERHEAD', value: (line: Line) => dollars(line.overheadNano), right: true },
]
