/**
 * Arguments of a call that Vertex streams piece by piece (`streamFunctionCallArguments`): values at paths, texts in several pieces. A path
 * is `$`, names and indexes; what is none changes nothing. https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
 */
import type { Json, JsonObject } from '../canonical.ts'
import { isObject, listOf } from './fields.ts'

const step = /\.([^.[\]]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/gy

/** No schema is as deep. */
const mostSteps = 100

/** Of `$.a[0].b`; null: it is no such path. */
function stepsOf(path: string): (string | number)[] | null {
  if (!path.startsWith('$')) return null
  const steps: (string | number)[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (!found || steps.length === mostSteps) return null
    const [, name, index, single, double] = found
    steps.push(index === undefined ? name ?? (single ?? double)!.replace(/\\(.)/g, '$1') : Number(index))
  }
  return steps.length > 0 ? steps : null
}

export class PartialArgs {
  /** Own members alone: names come from a model. */
  readonly #root = new Map<string | number, Node>()

  take(pieces: Json | undefined): void {
    for (const piece of listOf(pieces)) {
      if (!isObject(piece) || typeof piece['jsonPath'] !== 'string') continue
      const steps = stepsOf(piece['jsonPath'])
      if (steps) this.#put(steps, valueOf(piece))
    }
  }

  #put(steps: (string | number)[], value: Json): void {
    let node = this.#root
    for (const each of steps.slice(0, -1)) {
      const next = node.get(each)
      if (next instanceof Map) node = next
      else node.set(each, (node = new Map()))
    }
    const last = steps.at(-1)!
    const before = node.get(last)
    node.set(last, typeof before === 'string' && typeof value === 'string' ? before + value : value)
  }

  json(): string {
    return JSON.stringify(objectOf(this.#root))
  }
}

type Node = Json | Map<string | number, Node>

function valueOf({ stringValue, numberValue, boolValue }: JsonObject): Json {
  return stringValue ?? numberValue ?? boolValue ?? null
}

const objectOf = (node: Map<string | number, Node>): Json => Object.fromEntries([...node].map(([name, each]) => [name, plain(each)]))

function plain(node: Node): Json {
  if (!(node instanceof Map)) return node
  return [...node.keys()].every((key) => typeof key === 'number') ? [...node].sort(([a], [b]) => Number(a) - Number(b)).map(([, each]) => plain(each)) : objectOf(node)
}
