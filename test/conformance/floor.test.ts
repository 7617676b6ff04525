/** What every vendor can do is asked of it, whichever form the client asks in: system, turns, images, tools, schema, settings arrive where the vendor's format has them. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { JsonObject } from '../../src/protocols/canonical.ts'
import { closeConnections, post } from './ask.ts'
import { clients } from './format-clients.ts'
import { asked, carried, caseOf, features, unasked, untold, type Case } from './floor.ts'
import { nameOf, startFormatRig } from './format-rig.ts'
import { requestFaults } from './specifications.ts'
import { targets } from './targets.ts'

const rig = await startFormatRig(targets)
after(closeConnections)

interface Sent { body: JsonObject; warnings: string }

for (const [from, cases] of Object.entries(asked)) {
  for (const to of targets) {
    if (to.protocol.id === from) continue
    describe(`a client of ${from} before a vendor of ${to.protocol.id}`, () => {
      const sent = new Map<Case, Promise<Sent>>()
      const send = async (each: Case): Promise<Sent> => {
        const { path, headers, body } = clients[from]!.asks(nameOf(to.id), false)
        const before = rig.upstream.arrivalsOf(to.id).length
        const answer = await post({ url: rig.url, key: rig.key }, path, JSON.stringify({ ...('model' in body && { model: body['model'] }), ...cases[each] }), headers)
        assert.equal(answer.status, 200, answer.body.toString())
        const arrived = JSON.parse(rig.upstream.arrivalsOf(to.id)[before]!.body.toString()) as JsonObject
        assert.deepEqual(requestFaults(to.protocol, arrived), [], JSON.stringify(arrived))
        return { body: arrived, warnings: String(answer.headers['x-megarouter-warnings'] ?? '') }
      }
      for (const feature of features) {
        const check = carried[to.protocol.id]![feature]
        if (unasked[from]?.includes(feature)) continue
        it(typeof check === 'string' ? `is told that ${feature} is not said: ${check}` : `brings ${feature}`, async () => {
          const each = caseOf[feature]
          if (!sent.has(each)) sent.set(each, send(each))
          const { body, warnings } = await sent.get(each)!
          const told = untold[to.protocol.id]?.[feature]
          if (told?.test(warnings)) return
          if (typeof check === 'string') assert.match(warnings, new RegExp(feature))
          else assert.ok(check(body), `${JSON.stringify(body)} (${warnings})`)
        })
      }
    })
  }
}
