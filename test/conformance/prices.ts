/** Prices for tests: different for every class and model, so that a token counted in the wrong class or at another's price shows. */
import type { PriceTable } from '../upstream/bill.ts'

const dollars = (micros: number): string => `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`

export function pricesFor(index: number): PriceTable {
  const at = (micros: number): string => dollars(micros + (index % 97))
  return {
    input: at(1_000_003), cachedInput: at(100_019), cacheWrite: at(1_250_039), audioInput: at(7_000_061), imageInput: at(2_000_083),
    output: at(8_000_101), reasoning: at(9_000_127), audioOutput: at(31_000_151), imageOutput: at(17_000_179),
  }
}

/** The same table in the words of megarouter.yaml. */
export function yamlPrice(table: PriceTable): Record<string, string> {
  const { input, output, cachedInput, cacheWrite, audioInput, imageInput, reasoning, audioOutput, imageOutput } = table
  const named = {
    input, output, cache_read: cachedInput, cache_write_5m: cacheWrite, cache_write_1h: cacheWrite, audio_in: audioInput, image_in: imageInput,
    reasoning, audio_out: audioOutput, image_out: imageOutput,
  }
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
