/**
 * The one place where the databases' 64-bit integers become numbers: money (nano-dollars), times (µs), counts.
 * A value that a number cannot hold exactly is an error, never a rounded amount.
 */
export function exactInteger(value: bigint | string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError(`the database returned ${value}, which is beyond 2^53 and cannot be read exactly`)
  return number
}

/** `numeric` results of PostgreSQL: sums of bigint are integers, averages are not. */
export function exactNumeric(text: string): number {
  return text.includes('.') ? Number(text) : exactInteger(text)
}
