/** What encoding a request or an answer needs to know everywhere, and where it notes what it could not carry. */
import type { Extras, JsonObject, Proof } from '../canonical.ts'
import type { Loss } from '../codec.ts'
import { sealProof } from '../proof.ts'
import { type Family, familyOf } from './families.ts'
import { format, isEmpty, merged } from './json.ts'

/**
 * Signatures and encrypted thought that clients of this format know are Claude's: those reach them, and come back, as they are. They are
 * the same whether Bedrock or Anthropic serves the model.
 */
export const nativeProofs = 'anthropic'

export interface Writing {
  model: string
  family: Family
  /** An answer: it may hold what a request may not. */
  forClient: boolean
  losses: Loss[]
  /** Names of the documents so far: each has its own. */
  documents: Set<string>
  /** Media that results of tools cannot hold, to stand behind them. */
  displaced: JsonObject[]
  /** What goes on the wire of a proof; null: it is not for this reader. */
  proof(proof: Proof): string | null
}

/** `proofs`: whose proofs the model takes back. */
export const writingTo = (model: string, proofs: string): Writing =>
  ({ model, family: familyOf(model), forClient: false, losses: [], documents: new Set(), displaced: [], proof: ({ by, value }) => (by === proofs ? value : null) })

/** For a client, who gets all proofs; those of other makers sealed. */
export const writingForClient = (): Writing => ({ ...writingTo('', ''), forClient: true, proof: (proof) => sealProof(proof, nativeProofs) })

export function lose({ losses }: Writing, what: string, kind: Loss['kind']): void {
  if (!losses.some((loss) => loss.what === what)) losses.push({ what, kind })
}

/** The block with the members that it came with; those of another format are losses. */
export function withExtras(writing: Writing, block: JsonObject, extras: Extras | undefined, of: string, kind: Loss['kind'] = 'hint'): JsonObject {
  if (extras === undefined || isEmpty(extras.fields)) return block
  if (extras.format === format) return merged(block, extras.fields)
  for (const key of Object.keys(extras.fields)) lose(writing, `the field "${key.slice(0, 60)}"${of === '' ? '' : ` of ${of}`}`, kind)
  return block
}
