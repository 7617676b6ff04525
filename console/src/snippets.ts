/** Code for the reader's own address, with the key from the environment rather than in the text. */

export interface Call {
  baseUrl: string
  model: string
  prompt: string
  system?: string
}
export const clients = ['curl', 'Python', 'TypeScript'] as const
export type Client = (typeof clients)[number]

const text = JSON.stringify
const list = ({ system, prompt }: Call): { role: string; content: string }[] => [
  ...(system?.trim() ? [{ role: 'system', content: system }] : []),
  { role: 'user', content: prompt },
]
/** Inside single quotes of a shell. */
const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`

const writers: Record<Client, (call: Call) => string> = {
  curl: (call) => `curl ${call.baseUrl}/v1/chat/completions \\
  -H "Authorization: Bearer $MEGAROUTER_KEY" \\
  -H "Content-Type: application/json" \\
  -d ${quoted(text({ model: call.model, messages: list(call) }))}`,
  Python: (call) => `import os
from openai import OpenAI

client = OpenAI(base_url="${call.baseUrl}/v1", api_key=os.environ["MEGAROUTER_KEY"])

reply = client.chat.completions.create(
    model=${text(call.model)},
    messages=[${list(call)
      .map((message) => `{"role": "${message.role}", "content": ${text(message.content)}}`)
      .join(',\n              ')}],
)
print(reply.choices[0].message.content)`,
  TypeScript: (call) => `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${call.baseUrl}/v1', apiKey: process.env.MEGAROUTER_KEY })

const reply = await client.chat.completions.create({
  model: ${text(call.model)},
  messages: [${list(call)
    .map((message) => `{ role: '${message.role}', content: ${text(message.content)} }`)
    .join(',\n             ')}],
})
console.log(reply.choices[0].message.content)`,
}
export const snippet = (client: Client, call: Call): string => writers[client](call)

export interface Token {
  text: string
  kind: 'plain' | 'string' | 'word' | 'comment'
}
const pattern = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(#[^\n]*|\/\/[^\n]*)|\b(import|from|const|await|new|print|export)\b/g
/** Strings, comments and keywords apart; enough colour to read these snippets by. */
export function tokens(code: string): Token[] {
  const found: Token[] = []
  let at = 0
  for (const match of code.matchAll(pattern)) {
    if (match.index > at) found.push({ text: code.slice(at, match.index), kind: 'plain' })
    found.push({ text: match[0], kind: match[1] ? 'string' : match[2] ? 'comment' : 'word' })
    at = match.index + match[0].length
  }
  if (at < code.length) found.push({ text: code.slice(at), kind: 'plain' })
  return found
}
