/**
 * What of a request is neither in what its vendor gets nor named to its client. Each value of a request is taken out and changed, one at a
 * time: where its translation is the same either way, and nothing is told of it or of what it stands in, it has disappeared silently.
 * Values are told apart by their places and by the kinds of what they stand in, so that of thousands of like ones a few are tried.
 */
import type { Json, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest, type RequestPlace, type Target } from '../../src/protocols/codec.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'

export interface Translator { from: Protocol; to: Protocol; target: Target }

type Step = string | number

/** Members that say which kind an object is of. */
const kinds = ['type', 'role'] as const

/** Every value that holds no other. */
function* leavesOf(value: Json, path: Step[] = [], name = ''): Generator<{ path: Step[]; name: string }> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return yield { path, name: typeof value === 'boolean' || value === null ? `${name}=${value}` : typeof value === 'object' ? `${name}={}` : name }
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* leavesOf(each, [...path, index], `${name}[]`)
  else for (const [key, each] of Object.entries(value)) yield* leavesOf(each, [...path, key], under(name, value, key))
}

/** A copy in which the value at the path is another one, or gone. */
function changed(value: Json, [step, ...rest]: readonly Step[], change: (value: Json) => Json | undefined): Json {
  if (Array.isArray(value)) {
    const element = rest.length === 0 ? change(value[step as number]!) : changed(value[step as number]!, rest, change)
    return element === undefined ? value.toSpliced(step as number, 1) : value.with(step as number, element)
  }
  const { [step as string]: own, ...others } = value as JsonObject
  const member = rest.length === 0 ? change(own!) : changed(own!, rest, change)
  return member === undefined ? others : { ...(value as JsonObject), [step as string]: member }
}

const kindOf = (value: JsonObject): string => kinds.map((key) => value[key]).filter((each) => typeof each === 'string').join(' ')
const under = (name: string, value: JsonObject, key: string): string => `${name}${kindOf(value) === '' ? '' : `<${kindOf(value)}>`}.${key}`

function nameOf(body: Json, path: readonly Step[]): string {
  let [name, value] = ['', body]
  for (const step of path) {
    name = typeof step === 'number' ? `${name}[]` : under(name, value as JsonObject, step)
    value = (value as JsonObject)[step]!
  }
  return name
}

/** Whatever they stand in: of a name of a speaker it is the same loss whoever speaks. */
const withoutKinds = (name: string): string => name.replace(/<[^>]*>/g, '')

/** A copy without any value of that name. */
function withoutLike(value: Json, gone: string, name = ''): Json {
  if (Array.isArray(value)) return withoutKinds(gone) === withoutKinds(`${name}[]`) ? [] : value.map((each) => withoutLike(each, gone, `${name}[]`))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => withoutKinds(under(name, value, key)) !== withoutKinds(gone)).map(([key, each]) => [key, withoutLike(each, gone, under(name, value, key))]))
}

const gone = (): undefined => undefined
const other = (value: Json): Json => (typeof value === 'string' ? `${value}x` : typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : value)

interface Outcome { body: string; losses: string }

function translated({ from, to, target }: Translator, body: Json, place: RequestPlace): Outcome {
  try {
    const { body: encoded, losses } = to.codec!.encodeRequest(from.codec!.decodeRequest(body as JsonObject, place), target)
    return { body: JSON.stringify(encoded), losses: JSON.stringify(losses) }
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    return { body: error.message, losses: '' }
  }
}

/** Looks at every value of a request whose like was not looked at so often before. `seen` belongs to the translator. */
export function silentLosses(translator: Translator, body: JsonObject, place: RequestPlace, seen: Map<string, number>, often: number): string[] {
  let whole: Outcome | null = null
  const silent: string[] = []
  for (const { path, name } of leavesOf(body)) {
    const count = seen.get(name) ?? 0
    if (count >= often) continue
    seen.set(name, count + 1)
    whole ??= translated(translator, body, place)
    const is = (each: Outcome): boolean => each.body === whole!.body && each.losses === whole!.losses
    // By itself, with what it stands in, or as one of several that are told together.
    const isTold = (): boolean => path.some((_, index) => [changed(body, path.slice(0, index + 1), gone), withoutLike(body, nameOf(body, path.slice(0, index + 1)))].some((less) => {
      const without = translated(translator, less, place)
      return without.body === whole!.body && without.losses !== whole!.losses
    }))
    if (is(translated(translator, changed(body, path, gone), place)) && is(translated(translator, changed(body, path, other), place)) && !isTold()) silent.push(name)
  }
  return silent
}
