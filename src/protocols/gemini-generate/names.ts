/**
 * Names of tools as Google takes them, and back in its answers: there are no namespaces and fewer letters, and every tool takes JSON. What is
 * changed is known from the request, so that a call names its tool as the client does.
 */
import type { Tool, ToolCallPart } from '../canonical.ts'
import { isObject } from './fields.ts'

type Named = Pick<ToolCallPart, 'name' | 'namespace' | 'custom'>

/** https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/function-calling */
const longest = 128

const keyOf = (name: string, namespace: string | undefined): string => (namespace === undefined ? name : `${namespace}\0${name}`)

function valid(name: string): string {
  const letters = name.replace(/[^a-zA-Z0-9_.:-]/g, '_')
  return (/^[a-zA-Z_]/.test(letters) ? letters : `_${letters}`).slice(0, longest)
}

export class ToolNames {
  readonly #written = new Map<string, string>()
  readonly #read = new Map<string, Named>()

  constructor(tools: readonly Tool[] = []) {
    for (const tool of tools) {
      if (tool.type === 'server') continue
      const { name, namespace } = tool
      const wanted = valid(namespace === undefined ? name : `${namespace}__${name}`)
      let written = wanted
      for (let i = 2; this.#read.has(written); i++) written = `${wanted.slice(0, longest - 1 - String(i).length)}_${i}`
      this.#read.set(written, { name, ...(namespace === undefined ? {} : { namespace }), ...(tool.type === 'custom' ? { custom: true } : {}) })
      this.#written.set(keyOf(name, namespace), written)
      // A choice of tools names no namespace.
      if (!this.#written.has(name)) this.#written.set(name, written)
    }
  }

  written(name: string, namespace?: string): string {
    return this.#written.get(keyOf(name, namespace)) ?? this.#written.get(name) ?? valid(name)
  }

  /** A call of the model's, as the client knows its tool. */
  called(part: ToolCallPart): ToolCallPart {
    const tool = this.#read.get(part.name)
    if (!tool) return part
    return { ...part, ...tool, ...(tool.custom ? { arguments: inputOf(part.arguments) } : {}) }
  }
}

/** Of a tool that takes free text: the one argument that it has here, or what the model made of it. */
function inputOf(json: string): string {
  try {
    const args: unknown = JSON.parse(json)
    return isObject(args) && typeof args['input'] === 'string' ? args['input'] : json
  } catch {
    return json
  }
}
