/** Small non-negative integers packed at 7 bits a byte, for the step times of a usage row. */
export function packVarints(values: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (const value of values) {
    let rest = Math.max(0, Math.round(value))
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes.push(rest)
  }
  return Uint8Array.from(bytes)
}

export function unpackVarints(bytes: Uint8Array): number[] {
  const values: number[] = []
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) {
      values.push(value)
      value = 0
      scale = 1
    }
  }
  return values
}
