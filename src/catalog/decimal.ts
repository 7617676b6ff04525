/** Decimal price text to integer nano-dollars, without ever passing through a float. Fails on anything that is not a plain price. */

const decimal = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/

/** Fraction digits of a US dollar price that are kept: one nano-dollar. */
const keptDigits = 9

export interface NanoPrice {
  /** Integer nano-dollars per million units. */
  nano: number
  /** False where the text had a fraction of a nano-dollar, which was rounded to the nearest. */
  exact: boolean
}

/** `'0.0375'` (US dollars per million) is 37,500,000. */
export function nanoPrice(text: string): NanoPrice {
  const match = decimal.exec(text)
  if (match === null) throw new Error(`Not a price: ${JSON.stringify(text)}. A price is a decimal number that is not negative.`)
  const [, whole = '', fraction = '', exponent = '0'] = match
  const shift = keptDigits - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  const scale = 10n ** BigInt(Math.abs(shift))
  const nano = shift >= 0 ? digits * scale : (digits + scale / 2n) / scale
  if (nano > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`Price too large: ${text} US dollars per million.`)
  return { nano: Number(nano), exact: shift >= 0 || digits % scale === 0n }
}
