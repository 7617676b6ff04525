/** Wire formats: every recorded vendor for clients of every format, what requests bring, what they lose, what errors become. */
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

export const measure: Measure = async (signal) => ({
  title: 'Wire formats',
  claim: 'In its own format a client sees what the vendor sent, byte for byte and through the official SDK; in any other it reads the same text, thoughts, calls, order, reason, usage and cost, in an answer that its SDK and its format’s description accept, however the bytes are cut. Of a request everything reaches the vendor or is named; errors keep their meaning.',
  method: 'All recorded conversations of test/fixtures/recorded, streamed or not, before the real data plane, for clients of every format: in random chunks and byte by byte. Requests by hand with each feature that vendors have in common, in every inbound form before a vendor of every format, checked against the vendors’ descriptions. Every kind of value in recorded requests, and in those of real tools, is taken out and changed: a translation that neither differs nor tells of it is a failure. Refusals of every vendor, recorded and documented, and answers that are none. Images, audio, moderation, embeddings, reranking, files and batches as recorded, through the SDKs.',
  rows: [
    ...await runTests(['same-protocol', 'bedrock-invoke', 'translation', 'floor', 'losses', 'errors', 'natives'].map((name) => `test/conformance/${name}.test.ts`), signal),
    ...await runTests(['media-recorded', 'embeddings-recorded', 'objects-recorded', 'malformed'].map((name) => `test/gateway/${name}.test.ts`), signal),
  ],
})
