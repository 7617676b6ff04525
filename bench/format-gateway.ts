/** The data plane with a vendor of every wire format, all at one server: a process of its own, so that its CPU is told from that of vendors and clients. Told the server's port; tells where it listens. */
import { protocols } from '../src/protocols/index.ts'
import { providerAt, startRig, testPrices } from '../test/gateway/harness.ts'

const vendors = `http://127.0.0.1:${process.argv[2]!}`
const formats = [...protocols.values()].filter(({ codec }) => codec !== null).map(({ id }) => id)
const rig = await startRig({ providers: () => formats.map((format) => providerAt(format, `${vendors}/${format}`, { formats: [{ protocol: format }], endpoints: ['chat'] })) })
rig.publish(({ deployments }) => {
  for (const format of formats) deployments.push({ id: format, model: format, provider: format, upstreamModel: format, price: { version: 'bench', base: testPrices, tiers: [] }, priceAs: null })
})
process.send!({ port: rig.port, key: rig.key })
process.once('disconnect', () => process.exit())
