/**
 * Members of Google's JSON as its parser takes them (https://protobuf.dev/programming-guides/json/): names in camelCase or snake_case,
 * null for what is not set, one thing in the place of a list of it, numbers as texts. What nobody takes, or is of another type than its
 * reader wants, is left over and can be kept: nothing is dropped here.
 */
import type { Json, JsonObject } from '../canonical.ts'

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const later = /(?<=[a-zA-Z0-9])_([a-z0-9])/g

export const camelCase = (name: string): string => (name.includes('_') ? name.replace(later, (_, letter: string) => letter.toUpperCase()) : name)

/** Google's parser takes one message where a list of them is declared. */
export const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value])

/** `null`, `{}` and `[]` say nothing. */
const isVoid = (value: Json): boolean => value === null || (typeof value === 'object' && Object.keys(value).length === 0)

export class Fields {
  readonly #left = new Map<string, Json>()

  constructor(value: Json | undefined) {
    if (isObject(value)) for (const key of Object.keys(value)) this.#left.set(camelCase(key), value[key]!)
  }

  has(name: string): boolean {
    return (this.#left.get(name) ?? null) !== null
  }

  /** Of what is set and not yet taken. */
  names(): string[] {
    return [...this.#left.keys()].filter((name) => this.has(name))
  }

  take(name: string): Json | undefined {
    const value = this.#left.get(name)
    this.#left.delete(name)
    return value ?? undefined
  }

  text(name: string): string | undefined {
    return typeof this.#left.get(name) === 'string' ? (this.take(name) as string) : undefined
  }

  number(name: string): number | undefined {
    const value = this.#left.get(name)
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
    this.#left.delete(name)
    return number
  }

  boolean(name: string): boolean | undefined {
    return typeof this.#left.get(name) === 'boolean' ? (this.take(name) as boolean) : undefined
  }

  object(name: string): JsonObject | undefined {
    return isObject(this.#left.get(name)) ? (this.take(name) as JsonObject) : undefined
  }

  list(name: string): Json[] {
    return listOf(this.take(name))
  }

  /** Of texts alone; undefined: it is no such list, and stays. An empty one says nothing. */
  texts(name: string): string[] | undefined {
    const list = listOf(this.#left.get(name))
    if (list.length === 0 || !list.every((each) => typeof each === 'string')) return undefined
    this.#left.delete(name)
    return list
  }

  put(name: string, value: Json | undefined): void {
    if (value !== undefined) this.#left.set(name, value)
  }

  /** What nobody has taken and says something; undefined: nothing. */
  rest(): JsonObject | undefined {
    for (const [key, value] of this.#left) if (isVoid(value)) this.#left.delete(key)
    return this.#left.size === 0 ? undefined : Object.fromEntries(this.#left)
  }
}

/** The members of both, objects within objects too; where they disagree, `over` counts. */
export function merged(under: JsonObject, over: JsonObject): JsonObject {
  const all = new Map(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    const own = all.get(key)
    all.set(key, isObject(own) && isObject(value) ? merged(own, value) : value)
  }
  return Object.fromEntries(all)
}
