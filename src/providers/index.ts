/**
 * The registry of vendors: every file of this folder but this one and provider.ts is a declaration, so that adding a vendor is
 * adding its file. It ends the process at start when a file declares nothing, or the id of another one.
 */
import { readdirSync } from 'node:fs'
import type { Vendor } from './provider.ts'

const isDeclaration = (name: string): boolean => /^[\w-]+\.(ts|js)$/.test(name) && !/^(index|provider)\./.test(name)

async function declaredIn(name: string): Promise<Vendor> {
  const [declared, ...others] = Object.values((await import(`./${name}`)) as Record<string, Vendor>)
  if (!declared || others.length > 0) throw new Error(`src/providers/${name} must export exactly one vendor.`)
  return declared
}

const declared = (await Promise.all(readdirSync(import.meta.dirname).filter(isDeclaration).map(declaredIn))).sort((a, b) => (a.id < b.id ? -1 : 1))

/** By vendor id, alphabetically. */
export const vendors: ReadonlyMap<string, Vendor> = new Map(declared.map((each) => [each.id, each]))

if (vendors.size !== declared.length) throw new Error('Two files in src/providers/ declare the same vendor id.')
