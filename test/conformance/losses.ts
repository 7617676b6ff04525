/**
 * What of a request is neither in what its vendor gets nor named to its client. Each member of a request is taken out, one at a time:
 * where its translation is the same without it and loses the same, it has disappeared silently. Members are told apart by their places
 * and by the kinds of what they stand in, so that of thousands of like ones a few are tried.
 */
import type { Json, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest, type RequestPlace, type Target } from '../../src/protocols/codec.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'

export interface Translator { from: Protocol; to: Protocol; target: Target }

type Step = string | number

/** Members that say which kind an object is of. */
const kinds = ['type', 'role'] as const

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

function* membersOf(value: Json, path: Step[] = [], name = ''): Generator<{ path: Step[]; name: string }> {
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* membersOf(each, [...path, index], `${name}[]`)
  else if (isObject(value)) {
    const kind = kinds.map((key) => value[key]).filter((each) => typeof each === 'string').join(' ')
    for (const [key, each] of Object.entries(value)) {
      const own = `${name}${kind === '' ? '' : `<${kind}>`}.${key}`
      yield { path: [...path, key], name: typeof each === 'boolean' || each === null ? `${own}=${each}` : own }
      yield* membersOf(each, [...path, key], own)
    }
  }
}

function without(body: JsonObject, path: readonly Step[]): JsonObject {
  const [step, ...rest] = path as [string, ...Step[]]
  if (rest.length > 0) return { ...body, [step]: inside(body[step]!, rest) }
  const { [step]: _, ...others } = body
  return others
}
const inside = (value: Json, path: readonly Step[]): Json => (Array.isArray(value) ? value.with(path[0] as number, path.length > 1 ? inside(value[path[0] as number]!, path.slice(1)) : null) : without(value as JsonObject, path))

function translated({ from, to, target }: Translator, body: JsonObject, place: RequestPlace): string {
  try {
    const { body: encoded, losses } = to.codec!.encodeRequest(from.codec!.decodeRequest(body, place), target)
    return JSON.stringify([encoded, losses])
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    return error.message
  }
}

/** Looks at every member of a request whose like was not looked at so often before. `seen` belongs to the translator. */
export function silentLosses(translator: Translator, body: JsonObject, place: RequestPlace, seen: Map<string, number>, often: number): string[] {
  let whole: string | null = null
  const silent: string[] = []
  for (const { path, name } of membersOf(body)) {
    const count = seen.get(name) ?? 0
    if (count >= often) continue
    seen.set(name, count + 1)
    whole ??= translated(translator, body, place)
    if (translated(translator, without(body, path), place) === whole) silent.push(name)
  }
  return silent
}
