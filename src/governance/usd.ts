/**
 * US dollars as people write them, to integer nano-dollars and back, without a step through binary fractions. A number of JSON is
 * taken as the shortest decimal that denotes it; what has more than 9 decimals is no amount and is never rounded to one.
 */

/** The largest whole amount whose nano-dollars a number holds exactly. */
export const maxUsd = 9_000_000
export const usdAdvice = `must be an amount in US dollars such as 25.50, with at most 9 decimals and at most ${maxUsd}`

const decimal = /^(\d{1,7})(?:\.(\d{1,9}))?$/

/** Without an exponent: `1e-7` is `0.000000100`. */
const textOf = (value: number | string): string => (typeof value === 'string' ? value : /e/.test(String(value)) ? value.toFixed(9) : String(value))

function nanoOf(value: number | string): number | null {
  const text = textOf(value)
  const [, whole, fraction = ''] = decimal.exec(text) ?? []
  if (whole === undefined || (typeof value === 'number' && Number(text) !== value)) return null
  const nano = Number(whole + fraction.padEnd(9, '0'))
  return nano <= maxUsd * 1e9 ? nano : null
}

export const isUsd = (value: number | string): boolean => nanoOf(value) !== null

/** `'12.5'` is 12,500,000,000. Throws RangeError for what `isUsd` refuses. */
export function usdToNano(value: number | string): number {
  const nano = nanoOf(value)
  if (nano === null) throw new RangeError(usdAdvice)
  return nano
}

/** `12500000000` is `12.50`: at least cents, all further digits that are not 0. Amounts are not negative. */
export function usdText(nano: number): string {
  const digits = String(nano).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9, -7)}${digits.slice(-7).replace(/0+$/, '')}`
}
