/** What a request loses on its way into this format, each told once; and the dialects, in which less is lost. */
import type { Extras } from '../canonical.ts'
import type { DialectField, Loss, Target } from '../codec.ts'

const official: ReadonlySet<DialectField> = new Set()

/** What a request is written with: its target, and the list of what gets lost. */
export class Writing {
  readonly target: Target
  readonly dialect: ReadonlySet<DialectField>
  readonly #losses = new Map<string, Loss>()

  constructor(target: Target) {
    this.target = target
    this.dialect = target.dialect ?? official
  }

  get losses(): Loss[] {
    return [...this.#losses.values()]
  }

  lose(what: string, kind: Loss['kind']): void {
    if (this.#losses.get(what)?.kind !== 'meaning') this.#losses.set(what, { what, kind })
  }

  /** Members that another format alone knows. */
  loseExtras(extras: Extras | undefined, of = ''): void {
    if (extras === undefined || extras.format === 'openai-chat') return
    for (const key of Object.keys(extras.fields)) this.lose(`the field "${key}"${of}`, 'meaning')
  }
}
