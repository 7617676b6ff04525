/** Translation: what any two formats both carry, through both, in conversations at random. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Every pair of formats',
  claim: 'What the capability matrix says that two wire formats carry is the same behind the first and behind the second: requests, answers and streams.',
  method: 'Conversations at random, made of the features of docs/capabilities.md, 10,000 for each ordered pair of the seven formats and for each of requests, answers and streams; of each draw a pair gets what both of its formats carry. Written by the first, read, written by the second, read, compared with the original each time; streams through their bytes, cut at random. The matrix itself is what the codecs do with samples of each feature. Then each codec by itself, with everything that its own format can say.',
  rows: await runTests([
    'test/protocols/pairs.test.ts', 'test/protocols/openai-chat.properties.test.ts', 'test/protocols/openai-responses-properties.test.ts', 'test/protocols/anthropic-messages.test.ts', 'test/protocols/gemini-generate.property.test.ts',
    'test/protocols/bedrock-converse.test.ts', 'test/protocols/cohere-chat.test.ts', 'test/protocols/ollama-chat.test.ts',
  ], signal),
})
