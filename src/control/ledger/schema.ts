/** The ledger's sums as the admin API shows them. */
import { z } from '@hono/zod-openapi'
import { terminalOutcomes } from '../../store/ledger-entries.ts'
import { flagNames } from '../../store/records.ts'
import { nano } from '../schema.ts'

/** Sums over all time may exceed what a JSON number holds exactly. */
const sum = z.union([nano, z.string().regex(/^\d+$/)]).openapi({ description: 'Nano-dollars: 1e-9 USD. A text of digits beyond 2^53.' })
const ofNode = (description: string) => z.int().nullable().openapi({ description: `${description} Null when the data plane does not answer.` })

const counts = Object.fromEntries(flagNames.map((flag) => [flag, z.int()])) as Record<(typeof flagNames)[number], z.ZodInt>

export const ledgerSummarySchema = z.object({
  settled_nano: sum,
  overhead_nano: sum,
  held_nano: ofNode('Held now by attempts that run.'),
  open_holds: ofNode('Attempts that run now, on this node.'),
  oldest_hold_ms: ofNode('Age of the oldest of them; 0 without one.'),
  entries: z.int().openapi({ description: 'Entries of the ledger: one per ended attempt, and one more where the gateway paid.' }),
  outcomes: z.partialRecord(z.enum(terminalOutcomes), z.object({ count: z.int(), settled_nano: sum, overhead_nano: sum })).openapi({ description: 'Attempts by how they ended.' }),
  flags: z.object(counts).openapi({ description: 'Attempts by flag.' }),
  applied_lsn: z.int().nullable().openapi({ description: 'How far this node’s journal was applied; everything up to it is in these sums. Null without a journal.' }),
  lag_entries: ofNode('LSNs of the journal that were not applied yet.'),
  rejected: z.int().openapi({ description: 'Records of this node that could not be applied, ever. Each is a defect of MegaRouter, told in the log.' }),
}).openapi('LedgerSummary')
