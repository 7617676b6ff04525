/** The registry of vendors. It ends the process at start when a declaration contradicts another one. */
import * as all from './all.ts'
import type { Vendor } from './provider.ts'

const declared: readonly Vendor[] = Object.values(all)

/** By vendor id, alphabetically. */
export const vendors: ReadonlyMap<string, Vendor> = new Map(declared.map(each => [each.id, each]))

if (vendors.size !== declared.length) throw new Error('Two files in src/providers/ declare the same vendor id.')
