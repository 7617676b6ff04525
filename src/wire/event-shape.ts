/**
 * Nearly all events of a stream differ in one text only: the piece of output. One that has the bytes of an earlier event around that
 * text says the same as it, so that only the length of the text has to be looked at, and nothing is parsed.
 */

/** Streams whose events have an id or a time of their own never repeat a shape: after so many the search ends. */
const mostLessons = 8

export class EventShape {
  #before = ''
  #after = ''
  #lessons = 0

  /** Characters of the output text, where the event has the learnt shape; else −1. An escape in the text is left to the parser. */
  textLength(data: string): number {
    const from = this.#before.length
    const to = data.length - this.#after.length
    if (from === 0 || to < from || data.indexOf('"', from) !== to || !data.startsWith(this.#before) || !data.endsWith(this.#after)) return -1
    const escape = data.indexOf('\\', from)
    return escape < 0 || escape > to ? to - from : -1
  }

  /** Takes the shape of an event that is valid JSON. `opening` matches what stands before its output text, which has `length` characters. */
  learn(data: string, opening: RegExp, length: number): void {
    if (this.#lessons >= mostLessons) return
    this.#lessons++
    const found = opening.exec(data)
    if (!found) return
    const from = found.index + found[0].length
    const to = data.indexOf('"', from)
    // The text is all that was counted, and the opening stands nowhere else.
    if (to - from !== length || data.includes('\\') || opening.test(data.slice(from))) return
    this.#before = data.slice(0, from)
    this.#after = data.slice(to)
  }
}
