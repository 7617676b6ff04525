/**
 * Sums of rows of small integers, two sums in each 32-bit number: what a prompt's words say of each output is added up in a third of the
 * time that it takes one by one, which was the longest part of a decision.
 */

/** Values of a row, at most. */
export const rowWidth = 26
const words = rowWidth / 2
/** So that no sum leaves its half: rows hold 0 to 255. */
const bias = 128
const mostAtOnce = 256

export class PackedRows {
  readonly #rows: Uint32Array
  readonly #width: number

  /** `values`: −128 to 127, row after row. */
  constructor(values: Int8Array, width: number) {
    if (width > rowWidth) throw new RangeError(`a row has ${width} values; at most ${rowWidth} are packed`)
    this.#width = width
    this.#rows = new Uint32Array((values.length / width) * words)
    for (let at = 0; at < values.length; at++) {
      const row = Math.floor(at / width)
      const column = at % width
      this.#rows[row * words + (column >> 1)]! += (values[at]! + bias) * (column % 2 === 0 ? 1 : 0x10000)
    }
  }

  /** Adds `times` the sum of the rows `picked[from … to)` to `sums`. */
  add(picked: Uint16Array | Uint32Array, from: number, to: number, times: number, sums: Float64Array): void {
    for (let start = from; start < to; start += mostAtOnce) this.#add(picked, start, Math.min(to, start + mostAtOnce), times, sums)
  }

  #add(picked: Uint16Array | Uint32Array, from: number, to: number, times: number, sums: Float64Array): void {
    const rows = this.#rows
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    for (let at = from; at < to; at++) {
      const row = picked[at]! * words
      a = (a + rows[row]!) | 0
      b = (b + rows[row + 1]!) | 0
      c = (c + rows[row + 2]!) | 0
      d = (d + rows[row + 3]!) | 0
      e = (e + rows[row + 4]!) | 0
      f = (f + rows[row + 5]!) | 0
      g = (g + rows[row + 6]!) | 0
      h = (h + rows[row + 7]!) | 0
      i = (i + rows[row + 8]!) | 0
      j = (j + rows[row + 9]!) | 0
      k = (k + rows[row + 10]!) | 0
      l = (l + rows[row + 11]!) | 0
      m = (m + rows[row + 12]!) | 0
    }
    const taken = bias * (to - from)
    const all = [a, b, c, d, e, f, g, h, i, j, k, l, m]
    for (let column = 0; column < this.#width; column++) {
      const word = all[column >> 1]!
      sums[column]! += times * ((column % 2 === 0 ? word & 0xffff : word >>> 16) - taken)
    }
  }
}
