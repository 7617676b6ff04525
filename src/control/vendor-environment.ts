/**
 * Which vendors the operator's environment switches on: `<VENDOR>_API_KEY`, `…_2`, `…_3` and `<VENDOR>_BASE_URL`, as the vendors'
 * declarations name them, and credentials of several variables. A value that cannot be used becomes a problem with its name, never with its text.
 */
import { readFileSync } from 'node:fs'
import type { CredentialForm, Vendor } from '../providers/provider.ts'

export type Variables = Readonly<Record<string, string | undefined>>

interface VendorEnvironment {
  vendor: Vendor
  /** Null: the vendor's own address. */
  baseUrl: string | null
  /** What the credentials are read from, each with another value: see `readReference`. */
  keys: Reference[]
}

/** `env:NAME`, or `file:NAME` of a variable that holds a path; `env:NAME+OTHER` for a credential of several parts, whose names are those of the variables without their number. */
export interface Reference { text: string; name: string }

const maxKeys = 64
const fileBytes = 16_384
const withoutNumber = (name: string): string => name.replace(/_\d{1,3}$/, '')

/** The credential that a reference stands for, or why there is none. */
export function readReference(reference: string, variables: Variables): { secret: string } | { problem: string } {
  const isFile = reference.startsWith('file:')
  const names = reference.replace(/^(env|file):/, '').split('+')
  const missing = names.find((name) => !variables[name]?.trim())
  if (missing !== undefined) return { problem: `the variable ${missing}, which is not set` }
  const value = (name: string): string => variables[name]!.trim()
  if (names.length > 1) return { secret: JSON.stringify(Object.fromEntries(names.map((name) => [withoutNumber(name), value(name)]))) }
  if (!isFile) return { secret: value(names[0]!) }
  try {
    const text = readFileSync(value(names[0]!), 'utf8').trim()
    return text !== '' && text.length <= fileBytes ? { secret: text } : { problem: `the file in ${names[0]}, which is ${text === '' ? 'empty' : 'too long for a credential'}` }
  } catch (error) {
    return { problem: `the file in ${names[0]}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` }
  }
}

/** Of each form, for each number, one whose parts are all there. */
function formReferences(forms: readonly CredentialForm[], variables: Variables): Reference[] {
  return forms.flatMap(({ parts }) => keyVariables([parts[0]!.name], variables).flatMap((first) => {
    const number = first.slice(parts[0]!.name.length)
    const present = parts.filter(({ name }) => variables[name + number]?.trim())
    if (parts.some((part) => part.optional !== true && !present.includes(part))) return []
    return [{ text: `env:${present.map(({ name }) => name + number).join('+')}`, name: first }]
  }))
}

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
function placed({ baseUrl: usual, places = {}, placeNames = {}, placedUrls = [] }: Vendor, variables: Variables): { address: string | null; missing: string[] } {
  const value = (name: string): string => [name, ...placeNames[name] ?? []].map((each) => variables[each]?.trim()).find(Boolean) ?? ''
  const missing = Object.keys(places).filter((name) => !/^[\w.-]+$/.test(value(name)))
  const baseUrl = placedUrls.find(({ when }) => Object.entries(when).every(([name, wanted]) => value(name) === wanted))?.baseUrl ?? usual
  const address = Object.keys(places).reduce<string | undefined>((url, name) => url?.replaceAll(`{${name}}`, value(name)), baseUrl)
  return { address: missing.length > 0 ? null : address ?? null, missing }
}

/** The operator's own address of a vendor, of whichever variable. */
function addressIn({ baseUrlEnv, endpointEnv }: Vendor, variables: Variables): string | undefined {
  const own = variables[baseUrlEnv]?.trim()
  const endpoint = endpointEnv === undefined ? undefined : variables[endpointEnv.name]?.trim().replace(/\/+$/, '')
  if (own || !endpoint) return own
  return /\/openai(\/v1)?$/.test(endpoint) ? endpoint : `${endpoint}${endpointEnv!.path}`
}

export function vendorsInEnvironment(vendors: Iterable<Vendor>, variables: Variables): { on: VendorEnvironment[]; problems: string[] } {
  const on: VendorEnvironment[] = []
  const problems: string[] = []
  for (const vendor of vendors) {
    if (vendor.simulated === true) continue
    const plain = keyVariables(vendor.env, variables).map((name): Reference => ({ text: `${vendor.fileEnv?.includes(withoutNumber(name)) ? 'file' : 'env'}:${name}`, name }))
    const keys = [...plain, ...formReferences(vendor.forms ?? [], variables)]
    const address = addressIn(vendor, variables)
    const place = vendor.places && !address ? placed(vendor, variables) : null
    const baseUrl = address ? baseUrlOf(address) : place?.address ?? null
    if (address && baseUrl === null) {
      problems.push(`${vendor.baseUrlEnv} must be an http:// or https:// address without credentials, query or fragment; ${vendor.name} is not switched on.`)
      continue
    }
    if (place && place.missing.length > 0) {
      // Variables that other programs share mean nothing by themselves.
      if (plain.length > 0) problems.push(`${plain[0]!.name} is set, and ${vendor.name} needs more: set ${place.missing.map((name) => `${name} (${vendor.places![name]})`).join(' and ')}, or ${vendor.baseUrlEnv}.`)
      continue
    }
    const needsKey = vendor.auth !== 'none' && vendor.selfHosted !== true
    if (needsKey ? keys.length > 0 : baseUrl !== null || (keys.length > 0 && vendor.baseUrl !== undefined)) on.push({ vendor, baseUrl, keys })
    else if (keys.length > 0) problems.push(`${keys[0]!.name} is set, but ${vendor.name} has no address of its own: set ${vendor.baseUrlEnv}.`)
    else if (address) problems.push(`${vendor.baseUrlEnv} is set, but no key: set ${vendor.env[0] ?? 'a key'} to switch ${vendor.name} on.`)
  }
  return { on, problems }
}
