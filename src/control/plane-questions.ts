/** Questions to the data plane, which alone knows what is held, spent and used now. One that does not answer in time is an answer of null, not an error. */
import type { Emptied } from '../gateway/answer-cache.ts'
import type { AnswerTo, RoutingAsk } from '../gateway/routing-desk.ts'
import type { Effective } from '../governance/effective.ts'
import type { ExplainAsk, Explained } from '../governance/explain-request.ts'
import type { FromControl, HeldNow, ToControl } from '../threads/messages.ts'

const answerMs = 1_000

type Answer = Extract<ToControl, { kind: 'holds' | 'effective' | 'explain' | 'routing' | 'emptyCache' }>
export type PlaneAnswer = Answer

export class PlaneQuestions {
  readonly #post: (message: FromControl) => void
  readonly #waiting = new Map<number, (answer: Answer | null) => void>()
  #last = 0
  constructor(post: (message: FromControl) => void) {
    this.#post = post
  }

  async held(): Promise<HeldNow | null> {
    const answer = await this.#ask((id) => ({ kind: 'holds', id }))
    return answer?.kind === 'holds' ? answer.held : null
  }

  /** Everything that can act on a key, with its state. */
  async effective(key: string): Promise<Effective | null> {
    const answer = await this.#ask((id) => ({ kind: 'effective', id, key }))
    return answer?.kind === 'effective' ? answer.effective : null
  }

  /** What would become of a request. Nothing is dispatched, nothing is taken. */
  async explain(ask: ExplainAsk): Promise<Explained | null> {
    const answer = await this.#ask((id) => ({ kind: 'explain', id, ask }))
    return answer?.kind === 'explain' ? answer.explained : null
  }

  /** What the router knows, would do, or is to do. */
  async routing<Ask extends RoutingAsk>(ask: Ask): Promise<AnswerTo<Ask> | null> {
    const answer = await this.#ask((id) => ({ kind: 'routing', id, ask }))
    return answer?.kind === 'routing' ? answer.answer as AnswerTo<Ask> | null : null
  }

  /** Forgets the answers that are kept for an organisation. */
  async emptyCache(org: string): Promise<Emptied | null> {
    const answer = await this.#ask((id) => ({ kind: 'emptyCache', id, org }))
    return answer?.kind === 'emptyCache' ? answer.emptied : null
  }

  answered(answer: Answer): void {
    this.#answer(answer.id, answer)
  }

  #ask(question: (id: number) => FromControl): Promise<Answer | null> {
    const id = ++this.#last
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), answerMs)
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      this.#post(question(id))
    })
  }

  #answer(id: number, answer: Answer | null): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
