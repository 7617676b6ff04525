/** What a request says and this format has no word for, told once each. */
import type { Extras, JsonObject } from '../canonical.ts'
import type { Loss } from '../codec.ts'
import { ownFields } from './fields.ts'

export class Losses {
  readonly list: Loss[] = []

  hint(what: string): void {
    this.#add(what, 'hint')
  }

  meaning(what: string): void {
    this.#add(what, 'meaning')
  }

  /** Members of this format's own; those of another are lost. `of`: where they stand. */
  own(extras: Extras | undefined, of: string): JsonObject | undefined {
    if (!extras) return undefined
    const fields = ownFields(extras)
    if (!fields) for (const key of Object.keys(extras.fields)) this.meaning(`the field "${key.slice(0, 60)}"${of}`)
    return fields
  }

  /** Every member of `value` that is not in `known`. */
  rest(value: object, known: ReadonlySet<string>, of: string): void {
    for (const key of Object.keys(value)) if (!known.has(key)) this.hint(`the ${words[key] ?? key}${of}`)
  }

  #add(what: string, kind: Loss['kind']): void {
    if (!this.list.some((loss) => loss.what === what)) this.list.push({ what, kind })
  }
}

const words: Readonly<Record<string, string>> = { id: 'id', itemId: 'item id', proof: 'proof', phase: 'phase', detail: 'detail', transcript: 'transcript', mediaType: 'media type', context: 'context', name: 'name', cites: 'wish for citations', grammar: 'grammar' }
