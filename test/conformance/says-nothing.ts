/** Members of requests that may be left out of a translation without a word, and why: with and without them a request means the same. */
export interface SaysNothing { member: RegExp; why: string; to?: readonly string[] }

export const saysNothing: readonly SaysNothing[] = [
  { member: /=null$/, why: 'null is as good as nothing' },
]
