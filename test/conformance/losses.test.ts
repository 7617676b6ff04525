/** Nothing of a request disappears silently on its way to a vendor of another format: recorded requests, and those of real clients. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { targetOf } from '../../src/gateway/wording.ts'
import type { Deployment } from '../../src/gateway/snapshot.ts'
import type { JsonObject } from '../../src/protocols/canonical.ts'
import { closeConnections, overAll, post } from './ask.ts'
import { formats, nameOf, startFormatRig, vendorFor, wireOf } from './format-rig.ts'
import { silentLosses } from './losses.ts'
import { ofClients, recorded } from './requests.ts'
import { proof } from './sample.ts'
import { saysNothing } from './says-nothing.ts'
import { requestFaults } from './specifications.ts'
import { targets } from './targets.ts'

const rig = await startFormatRig(targets)
after(closeConnections)

for (const from of formats) {
  const said = [...ofClients, ...recorded].filter(({ protocol }) => protocol === from)
  describe(`${said.length} requests in ${from.id}`, () => {
    for (const { protocol: to, provider, id: model } of targets) {
      if (to === from) continue
      it(`lose nothing silently on their way to ${to.id}`, (t) => {
        const vendor = vendorFor({ protocol: to, provider })
        const target = targetOf({ upstreamModel: model, outputTokens: 0, reasoning: null, provider: { vendor } } as unknown as Deployment)
        const seen = new Map<string, number>()
        const silent = said.flatMap(({ id, body, place }) => silentLosses({ from, to, target }, body, place, seen, proof ? 20 : 2).map((name) => ({ id, name })))
        const unexplained = silent.filter(({ name }) => !saysNothing.some(({ value, to: only }) => value.test(name) && (only?.includes(to.id) ?? true)))
        assert.deepEqual([...new Set(unexplained.map(({ name, id }) => `${name} (${id})`))].slice(0, 40), [])
        t.diagnostic(`${seen.size} kinds of values, ${[...seen.values()].reduce((sum, count) => sum + count, 0)} taken out and changed`)
      })
    }
  })
}

describe(`${ofClients.length} requests of real clients before a vendor of each format`, () => {
  for (const target of targets) {
    it(`are valid requests of ${target.protocol.id}, and what it cannot say stands in x-megarouter-warnings`, async () => {
      const failures: string[] = []
      await overAll(ofClients, 4, async ({ id, protocol, body, place, path, headers }) => {
        const named = place.model === undefined ? path : path.replace(/(?<=\/models\/)[^/:?]+|(?<=\/model\/)[^/]+/, encodeURIComponent(nameOf(target.id)))
        const answer = await post({ url: rig.url, key: rig.key }, named, JSON.stringify(place.model === undefined ? { ...body, model: nameOf(target.id) } : body), onlyOf(headers))
        const arrival = rig.upstream.arrivalsOf(target.id).findLast((each) => String(each.headers['x-client-request-id']).startsWith(String(answer.headers['x-megarouter-request-id'])))
        if (answer.status !== 200 || arrival === undefined) return void failures.push(`${id}: ${answer.status} ${answer.body.toString('utf8', 0, 300)}`)
        if (wireOf(protocol) === wireOf(target.protocol)) return
        const faults = requestFaults(target.protocol, JSON.parse(arrival.body.toString()) as JsonObject)
        if (faults.length > 0) failures.push(`${id}: ${faults.slice(0, 5).join('; ')}`)
        const { losses } = target.protocol.codec!.encodeRequest(protocol.codec!.decodeRequest(body, place), targetOf({ upstreamModel: target.id, outputTokens: 0, reasoning: null, provider: { vendor: vendorFor(target) } } as unknown as Deployment))
        const warnings = String(answer.headers['x-megarouter-warnings'] ?? '')
        const unsaid = losses.filter(({ what }) => !warnings.includes(what.replace(/[^\x20-\x7e]/g, '?')))
        if (unsaid.length > 0 && !warnings.endsWith('...')) failures.push(`${id}: not told: ${unsaid.map(({ what }) => what).join(', ')}`)
      })
      assert.deepEqual(failures.slice(0, 10), [])
    })
  }
})

/** Those that belong to a format; the key is another one. */
const onlyOf = (headers: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(headers).filter(([name]) => /^(anthropic-(version|beta)|content-type)$/.test(name)))
