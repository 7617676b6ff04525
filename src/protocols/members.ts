/** JSON that came from elsewhere, read member by member: each is taken once, by the type it should have, and what nobody took is kept. */
import type { ChatFormat, Extras, Json, JsonObject } from './canonical.ts'

export const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isText = (value: Json | undefined): value is string => typeof value === 'string'
export const isNumber = (value: Json | undefined): value is number => typeof value === 'number'
/** A count that is left out of a canonical form where it is none. */
export const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0
export const isBoolean = (value: Json | undefined): value is boolean => typeof value === 'boolean'
export const isList = (value: Json | undefined): value is Json[] => Array.isArray(value)
export const isTexts = (value: Json | undefined): value is string[] => Array.isArray(value) && value.every(isText)

/** What stands in the place of a name, for people; undefined where it is none. `String` would call what an object names `toString`, which may be anything. */
export const named = (value: unknown): string | undefined => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined)

export class Members {
  readonly #object: JsonObject
  readonly #taken = new Set<string>()

  constructor(object: JsonObject) {
    this.#object = object
  }

  /** Undefined, and left for `rest`, where the member has another type. */
  take<T extends Json>(key: string, is: (value: Json | undefined) => value is T): T | undefined {
    const value = Object.hasOwn(this.#object, key) ? this.#object[key] : undefined
    if (!is(value)) return undefined
    this.#taken.add(key)
    return value
  }

  /** What nobody took; undefined: nothing. */
  rest(): JsonObject | undefined {
    const left = Object.entries(this.#object).filter(([key]) => !this.#taken.has(key))
    return left.length > 0 ? Object.fromEntries(left) : undefined
  }

  extras(format: ChatFormat): Extras | undefined {
    const fields = this.rest()
    return fields && { format, fields }
  }
}

/** Without the members that are undefined: forms are compared with deep equality, and JSON has no such value. */
export function defined<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  for (const key of Object.keys(members) as (keyof T)[]) if (members[key] === undefined) delete members[key]
  return members as T
}

/** Of a table that is asked for words of others: `constructor` is none of its own. */
export const own = <T>(table: Readonly<Record<string, T>>, key: unknown): T | undefined => (typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined)

/** Whether two values are the same JSON, whatever the order of members. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isList(a) && isList(b)) return a.length === b.length && a.every((each, index) => sameJson(each, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}

/** The object that a text is JSON of; null: of none. */
export function parsedObject(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
