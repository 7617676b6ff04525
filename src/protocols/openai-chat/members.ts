/**
 * An object of the wire whose members are taken one by one. What nobody takes is left over and travels on as an extra, so that no member
 * disappears. A member of a wrong type is the client's mistake in a request (`BadRequest`) and left over in an answer.
 */
import type { Extras, Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Without the members that are undefined, so that two forms can be compared with deep equality. */
export function compact<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  const kept: Partial<T> = {}
  for (const key of Object.keys(members) as (keyof T)[]) if (members[key] !== undefined) kept[key] = members[key]
  return kept as T
}

export class Members {
  readonly #left: JsonObject
  readonly #children: [string, Members][] = []
  /** Where the object stands in a request, for messages to its author; null: in an answer. */
  readonly place: string | null

  constructor(object: JsonObject, place: string | null) {
    this.#left = { ...object }
    this.place = place
  }

  has(key: string): boolean {
    const value = this.#left[key]
    return value !== undefined && value !== null
  }

  peek(key: string): Json | undefined {
    return this.#left[key]
  }

  /** Null says the same as nothing. */
  any(key: string): Json | undefined {
    const value = this.#left[key]
    delete this.#left[key]
    return value ?? undefined
  }

  text(key: string): string | undefined {
    return this.#typed(key, 'a text', (value) => typeof value === 'string') as string | undefined
  }

  /** A member that may be of another type as well, which is left. */
  maybeText(key: string): string | undefined {
    const value = this.#left[key]
    return value === null || typeof value === 'string' ? (this.any(key) as string | undefined) : undefined
  }

  number(key: string): number | undefined {
    return this.#typed(key, 'a number', (value) => typeof value === 'number') as number | undefined
  }

  flag(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean') as boolean | undefined
  }

  object(key: string): JsonObject | undefined {
    return this.#typed(key, 'an object', isObject) as JsonObject | undefined
  }

  list(key: string): Json[] | undefined {
    return this.#typed(key, 'a list', Array.isArray) as Json[] | undefined
  }

  /** The members of a member. Those that nobody takes stay in their place. */
  within(key: string): Members | undefined {
    const value = this.object(key)
    if (value === undefined) return undefined
    const child = new Members(value, this.at(`${key}.`))
    this.#children.push([key, child])
    return child
  }

  /** The same of a member that may be of another type as well. */
  maybeWithin(key: string): Members | undefined {
    const value = this.#left[key]
    return value === null || isObject(value) ? this.within(key) : undefined
  }

  putBack(key: string, value: Json | undefined): void {
    if (value !== undefined) this.#left[key] = value
  }

  at(key: string): string | null {
    return this.place === null ? null : `${this.place}${key}`
  }

  left(): JsonObject | undefined {
    for (const [key, child] of this.#children) this.putBack(key, child.left())
    this.#children.length = 0
    return Object.keys(this.#left).length > 0 ? this.#left : undefined
  }

  extras(): Extras | undefined {
    return extrasOf(this.left())
  }

  #typed(key: string, what: string, isOf: (value: unknown) => boolean): Json | undefined {
    const value = this.#left[key]
    if (value === undefined || value === null || isOf(value)) return this.any(key)
    if (this.place === null) return undefined
    throw new BadRequest(`The field "${this.place}${key}" must be ${what}.`, `${this.place}${key}`)
  }
}

export const extrasOf = (fields: JsonObject | undefined): Extras | undefined => (fields === undefined ? undefined : { format: 'openai-chat', fields })

/** What was left over, back in its place: members of objects are merged, whatever else is known already stays. */
export function merged(object: JsonObject, left: JsonObject): JsonObject {
  let result = object
  for (const [key, value] of Object.entries(left)) {
    const known = Object.hasOwn(object, key) ? object[key] : undefined
    if (known === undefined || known === null) result = { ...result, [key]: value }
    else if (isObject(known) && isObject(value)) result = { ...result, [key]: merged(known, value) }
  }
  return result
}

/** The extras of an object are this format's own. */
export const withExtras = (object: JsonObject, extras: Extras | undefined): JsonObject => (extras?.format === 'openai-chat' ? merged(object, extras.fields) : object)
