/** How much of a budget is used, the same for a key and for the organisation. */
import type { Key } from '../api-types.ts'

export type Budget = NonNullable<Key['budget']>

/** 1 is all of it. A limit of 0 is full from the start. */
export const usedShare = ({ spent_nano: spent, limit_nano: limit }: Budget): number => (limit > 0 ? spent / limit : spent > 0 ? 2 : 1)
