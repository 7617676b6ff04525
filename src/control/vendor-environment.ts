/**
 * Which vendors the operator's environment switches on: `<VENDOR>_API_KEY`, `…_2`, `…_3` and `<VENDOR>_BASE_URL`, as the vendors'
 * declarations name them. Pure; a value that cannot be used becomes a problem with its name, never with its text.
 */
import type { Vendor } from '../providers/provider.ts'

export type Variables = Readonly<Record<string, string | undefined>>

interface VendorEnvironment {
  vendor: Vendor
  /** Null: the vendor's own address. */
  baseUrl: string | null
  /** Names of the variables that hold a key, each with another value. */
  keys: string[]
}

const maxKeys = 64

/** Names in the order `NAME`, `NAME_2`, `NAME_3`, …; gaps are allowed, since deleting one key must not lose the others. */
function keyVariables(names: readonly string[], variables: Variables): string[] {
  const numbered = Object.keys(variables).flatMap((variable) => {
    const [, stem, number = '1'] = /^(.*?)(?:_(\d{1,3}))?$/.exec(variable) ?? []
    const rank = names.indexOf(stem ?? '')
    return rank === -1 || !variables[variable]?.trim() ? [] : [{ variable, rank, number: Number(number) }]
  })
  numbered.sort((a, b) => a.rank - b.rank || a.number - b.number)
  const seen = new Set<string>()
  return numbered.map((each) => each.variable).filter((variable) => {
    const value = variables[variable] ?? ''
    return !seen.has(value) && seen.add(value)
  }).slice(0, maxKeys)
}

/** An http(s) address without a trailing slash, or null. */
export function baseUrlOf(text: string): string | null {
  const url = URL.parse(text.trim())
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null
  return text.trim().replace(/\/+$/, '')
}

/** The vendor's address with the operator's own places in it; the names of those that are not set or can't stand in an address. */
function placed({ baseUrl, places = {} }: Vendor, variables: Variables): { address: string | null; missing: string[] } {
  const value = (name: string): string => variables[name]?.trim() ?? ''
  const missing = Object.keys(places).filter((name) => !/^[\w.-]+$/.test(value(name)))
  const address = Object.keys(places).reduce<string | undefined>((url, name) => url?.replaceAll(`{${name}}`, value(name)), baseUrl)
  return { address: missing.length > 0 ? null : address ?? null, missing }
}

export function vendorsInEnvironment(vendors: Iterable<Vendor>, variables: Variables): { on: VendorEnvironment[]; problems: string[] } {
  const on: VendorEnvironment[] = []
  const problems: string[] = []
  for (const vendor of vendors) {
    if (vendor.simulated === true) continue
    const keys = keyVariables(vendor.env, variables)
    const address = variables[vendor.baseUrlEnv]?.trim()
    const place = vendor.places && !address ? placed(vendor, variables) : null
    const baseUrl = address ? baseUrlOf(address) : place?.address ?? null
    if (address && baseUrl === null) {
      problems.push(`${vendor.baseUrlEnv} must be an http:// or https:// address without credentials, query or fragment; ${vendor.name} is not switched on.`)
      continue
    }
    if (place && place.missing.length > 0) {
      if (keys.length > 0) problems.push(`${keys[0]} is set, and ${vendor.name} needs more: set ${place.missing.map((name) => `${name} (${vendor.places![name]})`).join(' and ')}, or ${vendor.baseUrlEnv}.`)
      continue
    }
    const needsKey = vendor.auth !== 'none' && vendor.selfHosted !== true
    if (needsKey ? keys.length > 0 : baseUrl !== null || (keys.length > 0 && vendor.baseUrl !== undefined)) on.push({ vendor, baseUrl, keys })
    else if (keys.length > 0) problems.push(`${keys[0]} is set, but ${vendor.name} has no address of its own: set ${vendor.baseUrlEnv}.`)
    else if (address) problems.push(`${vendor.baseUrlEnv} is set, but no key: set ${vendor.env[0] ?? 'a key'} to switch ${vendor.name} on.`)
  }
  return { on, problems }
}
