/** Small readers of untrusted JSON that the parts of this codec share. Of a value of another type than expected they say that there is none. */
import type { Extras, Json, JsonObject } from '../canonical.ts'
import type { Loss } from '../codec.ts'

export const format = 'openai-responses'
/** Whose proofs clients of this format get as they are, see `proof.ts`. */
export const native = 'openai'

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectOr = (value: unknown): JsonObject => (isObject(value) ? value : {})
export const listOr = (value: unknown): Json[] => (Array.isArray(value) ? value as Json[] : [])
export const textOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const numberOr = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)
export const countOr = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0)

/** The members that have a value: what is undefined says nothing. */
export function only<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  for (const key in members) if (members[key] === undefined) delete members[key]
  return members as T
}

/** What of an object no type names, to be put back as it came. `null` says nothing. `more`: what is to be kept besides. */
export function extrasOf(from: JsonObject, known: ReadonlySet<string>, more?: JsonObject): { extras?: Extras } {
  let fields: JsonObject | undefined
  for (const key in from) if (!known.has(key) && from[key] !== null && from[key] !== undefined && key !== '__proto__') (fields ??= {})[key] = from[key]
  if (more) for (const key in more) (fields ??= {})[key] = more[key]!
  return fields ? { extras: { format, fields } } : {}
}

export const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** What an encoder could not carry, each thing once. */
export class Losses {
  readonly all: Loss[] = []

  add(what: string, kind: Loss['kind'] = 'hint'): void {
    if (!this.all.some((loss) => loss.what === what)) this.all.push({ what, kind })
  }

  /** Extras of this format; those of another one are lost by name. */
  own(extras: Extras | undefined, of: string): JsonObject | undefined {
    if (!extras || extras.format === format) return extras?.fields
    for (const key of Object.keys(extras.fields)) this.add(of === '' ? `the field "${key}"` : `the field "${key}" of ${of}`, of === '' ? 'meaning' : 'hint')
    return undefined
  }
}
