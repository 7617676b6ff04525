/**
 * Claude on Bedrock by invoke, as recorded, for clients of Anthropic's own format: what they read is what the frames held, as AWS's SDK
 * takes them apart. What other makers' models answer there is of formats that nobody else speaks; Converse serves those models.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { InvokeModelWithResponseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import type { JsonObject } from '../../src/protocols/canonical.ts'
import { closeConnections, post, type RawAnswer } from './ask.ts'
import { bedrockOf } from './format-clients.ts'
import { invoked, nameOf, startFormatRig, type Recorded } from './format-rig.ts'
import { sdkError } from './sdk-answers.ts'

const all = invoked()
const rig = await startFormatRig(all)
after(closeConnections)

/** As a client of Anthropic's says what was recorded: the path says nothing. */
function asked({ id, stream, requestBody }: Recorded): JsonObject {
  const { anthropic_version: _, ...body } = JSON.parse(requestBody!) as JsonObject
  return { ...body, model: nameOf(id), ...(stream && { stream }) }
}
const gateway = (exchange: Recorded): Promise<RawAnswer> => post({ url: rig.url, key: rig.key }, '/v1/messages', JSON.stringify(asked(exchange)), { 'anthropic-version': '2023-06-01' })

const anthropic = new Anthropic({ apiKey: rig.key, baseURL: rig.url, maxRetries: 0 })

async function framed({ id }: Recorded): Promise<unknown[]> {
  const client = bedrockOf({ url: rig.upstream.url, key: 'sk-direct' })
  const { body } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: id, body: '{}' }))
  const events = (await Array.fromAsync(body!)).map(({ chunk }) => JSON.parse(Buffer.from(chunk!.bytes!).toString()) as unknown)
  client.destroy()
  return events
}

const answers = all.filter(({ status }) => status === 200)
describe(`${all.length} recorded exchanges of invoke`, () => {
  for (const exchange of answers.filter(({ stream }) => !stream)) {
    it(`the answer ${exchange.id} is the vendor’s, byte for byte`, async () => {
      const { status, body } = await gateway(exchange)
      assert.equal(status, 200)
      assert.equal(body.toString(), exchange.body.toString())
      const message = await anthropic.messages.create(asked(exchange) as never) as unknown as object
      assert.deepEqual({ ...message }, JSON.parse(exchange.body.toString()))
    })
  }

  for (const exchange of answers.filter(({ stream }) => stream)) {
    for (const chunks of ['random', 'bytes'] as const) {
      it(`the stream ${exchange.id} is the events of its frames, in ${chunks === 'bytes' ? '1-byte' : 'random'} chunks`, async () => {
        rig.upstream.chunks = chunks
        const expected = await framed(exchange)
        const { headers, body } = await gateway(exchange)
        assert.match(String(headers['content-type']), /^text\/event-stream/)
        assert.deepEqual([...body.toString().matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as unknown), expected)
        const events = await Array.fromAsync(await anthropic.messages.create(asked(exchange) as never) as unknown as AsyncIterable<unknown>)
        assert.deepEqual(events, expected)
        rig.upstream.chunks = 'random'
      })
    }
  }

  for (const exchange of all.filter(({ status }) => status >= 400)) {
    it(`the refusal ${exchange.id} keeps its status and its words`, async () => {
      const { status, body } = await gateway(exchange)
      const { type, error } = JSON.parse(body.toString()) as { type: string; error: { message: string } }
      assert.deepEqual([status, type], [exchange.status, 'error'])
      assert.ok(error.message.includes((JSON.parse(exchange.body.toString()) as { message: string }).message), error.message)
      rig.forget()
      assert.equal(await sdkError(anthropic.messages.create(asked(exchange) as never)), exchange.status)
      rig.forget()
    })
  }

  it('reach the vendor as they were recorded, the model in the path', async () => {
    for (const exchange of answers) {
      await gateway(exchange)
      const { path, body } = rig.upstream.arrivalsOf(exchange.id).at(-1)!
      assert.equal(path, `/model/${exchange.id}/invoke${exchange.stream ? '-with-response-stream' : ''}`)
      assert.deepEqual(JSON.parse(body.toString()), JSON.parse(exchange.requestBody!))
    }
  })
})
