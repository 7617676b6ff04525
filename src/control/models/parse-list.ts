/** Reads a vendor's list of models in any of the forms that vendors use, bounded: what is no list is null, what is no id is left out. */

const mostModels = 5_000
const mostIdBytes = 256

export interface LiveModel {
  id: string
  /** False: its type or name says that it is for something else than text, such as images or speech. */
  text: boolean
}

const otherKinds = new Set(['image', 'audio', 'video', 'tts', 'asr', 'stt', 'speech', 'transcribe', 'transcription', 'rerank', 'reranker', 'moderation', 'upscale', 'inpaint'])

/** OpenAI's and Anthropic's `data`, Google's, Ollama's and Cohere's `models`, Cloudflare's `result`, or a bare array (Together, GitHub). */
function rowsOf(body: unknown): unknown[] | null {
  if (Array.isArray(body)) return body
  if (typeof body !== 'object' || body === null) return null
  for (const name of ['data', 'models', 'result']) {
    const list = (body as Record<string, unknown>)[name]
    if (Array.isArray(list)) return list
    if (list === null) return [] // Ollama without a model
  }
  return null
}

function idsOf(row: unknown): string[] {
  if (typeof row === 'string') return [row]
  if (typeof row !== 'object' || row === null) return []
  const { id, name, model, aliases } = row as Record<string, unknown>
  const own = [id, name, model].find((each) => typeof each === 'string' && each !== '') as string | undefined
  return [...own === undefined ? [] : [own], ...Array.isArray(aliases) ? aliases.filter((each) => typeof each === 'string') : []]
}

/** Names that say the same, since most lists have no types. A model that is left out for its name can still be asked for. */
const otherName = /(?:^|[-_./:])(?:whisper|tts|stt|asr|transcribe|realtime|moderation|image|imagen|veo|sora|dall|lyria|ocr|rerank|reranker|flux)(?:$|[-_./:\d])/i

const isText = (row: unknown, id: string): boolean => {
  const { type } = (row ?? {}) as Record<string, unknown>
  return (typeof type !== 'string' || !otherKinds.has(type.toLowerCase())) && !otherName.test(id)
}

/** Google names its models `models/gemini-…`, and takes both. */
const plainId = (id: string): string => id.replace(/^models\//, '')
const isId = (id: string): boolean => id !== '' && Buffer.byteLength(id) <= mostIdBytes && !/[\s\p{Cc}\p{Cf}]/u.test(id)

export function parseModelList(text: string): LiveModel[] | null {
  let rows: unknown[] | null
  try {
    rows = rowsOf(JSON.parse(text))
  } catch {
    return null // not JSON, so no list
  }
  if (rows === null) return null
  const models = new Map<string, LiveModel>()
  for (const row of rows) {
    for (const id of idsOf(row).map(plainId)) {
      if (models.size >= mostModels) return [...models.values()]
      if (isId(id) && !models.has(id)) models.set(id, { id, text: isText(row, id) })
    }
  }
  return rows.length > 0 && models.size === 0 ? null : [...models.values()]
}
