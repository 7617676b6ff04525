/** A gateway in this process before four scripted vendors, one for each wire format; all models are served by whichever of them is chosen. */
import { startVendor, type Arrived, type Format, type ScriptedVendor, type Turn } from '../clients/vendor.ts'
import { providerAt, startRig, testPrices, type Rig } from './harness.ts'

export const formats: readonly Format[] = ['anthropic-messages', 'gemini-generate', 'openai-chat', 'openai-responses']

export interface Scripted {
  rig: Rig
  vendors: Record<Format, ScriptedVendor>
  /** What every vendor plays from now on. */
  script(play: (asked: Arrived) => Turn): void
  serve(by: Format): void
}

export async function startScripted(models: readonly string[]): Promise<Scripted> {
  let play: (asked: Arrived) => Turn = () => ({ text: 'Hello' })
  const vendors = Object.fromEntries(await Promise.all(formats.map(async (format) => [format, await startVendor(format, (asked) => play(asked))]))) as Record<Format, ScriptedVendor>
  const rig = await startRig({
    providers: () => formats.map((format) => providerAt(format, `${vendors[format].url}/v1`, { formats: [{ protocol: format }], endpoints: ['chat'], proofs: format })),
    closes: formats.map((format) => () => vendors[format].close()),
  })
  const serve = (by: Format): void => rig.publish((organisation) => {
    organisation.deployments = models.map((model) => ({ id: model, model, provider: by, upstreamModel: `${by}-model`, price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null }))
  })
  return { rig, vendors, serve, script: (next) => { play = next } }
}
