/** Decisions made again from their records after a trip through JSON, and how long decisions take with many candidates. */
import type { ArmFacts } from '../../src/routing/arm.ts'
import type { Artefact } from '../../src/routing/artefact.ts'
import { builtInPolicies } from '../../src/routing/policy.ts'
import { decideAgain, type DecisionRecord } from '../../src/routing/record.ts'
import { Router } from '../../src/routing/router.ts'
import { seeded } from '../../src/simulated/random.ts'
import { outcome, Routed, stream, type World } from './world.ts'

const policies = Object.values(builtInPolicies)

/** Decisions of all policies, with learning between them; how many come out the same from the record alone. */
export function again(world: World, requests: number, seed: number): { decisions: number; same: number } {
  const routed = new Routed(world, builtInPolicies.balanced, seed)
  let same = 0
  stream(world, requests, seed).forEach((row, at) => {
    const { record } = routed.ask(row, { policy: policies[at % policies.length]! })
    const { chosen, why, propensity } = decideAgain(JSON.parse(JSON.stringify(record)) as DecisionRecord)
    if (chosen === record.chosen && why === record.why && propensity === record.propensity) same++
    const { quality, tokens } = outcome(world, row, world.matrix.models.indexOf(record.chosen))
    routed.tell(row, record.chosen, quality, tokens)
  })
  return { decisions: requests, same }
}

export interface DecisionTimes { p50Us: number; p99Us: number; meanUs: number }

/** Understanding, predicting, scoring and recording one request after another. `chars`: length of the prompts, 0: as they are. */
export function decisionTimes(world: World, artefact: Artefact, candidates: number, chars: number, requests: number): DecisionTimes {
  const random = seeded(5)
  const router = new Router(artefact)
  const facts = Array.from({ length: candidates }, (_, at): ArmFacts => ({ ...world.facts[at % world.facts.length]!, id: `arm ${at}`, model: `arm ${at}`, domain: `vendor ${at % 20}` }))
  router.setArms(facts)
  const rows = stream(world, requests, 1)
  // Arms with outcomes: their residuals are believed, which is the dearest case.
  for (const row of world.matrix.build.slice(0, 600)) for (const { id } of facts) router.learn({ arm: id, tenant: '', understanding: world.matrix.understood[row]! }, { value: random() < 0.7 ? 1 : 0, trust: 1 })
  const texts = rows.map((row, at) => {
    let text = world.matrix.rows[row]!.prompt
    for (let next = at + 1; text.length < chars; next++) text += `\n${world.matrix.rows[rows[next % rows.length] as number]!.prompt}`
    return chars > 0 ? text.slice(0, chars) : text
  })
  const decide = (text: string): number => {
    const before = performance.now()
    router.decide({
      understanding: router.understander.understand(text), needs: { promptTokens: text.length / 4, maxOutputTokens: 0, tools: false, schema: false, images: false, audio: false, models: null },
      tenant: 'a', session: null, isToolLoop: false, prefix: 0, outside: null, budgetPrice: 0, leftNano: Infinity, marksCache: false, isLowRisk: true,
    }, builtInPolicies.balanced, 0, random)
    return (performance.now() - before) * 1_000
  }
  for (const text of texts.slice(0, requests / 4)) decide(text)
  // The shortest of three: what else runs on the machine is not what is measured.
  const times = texts.map((text) => Math.min(decide(text), decide(text), decide(text))).toSorted((a, b) => a - b)
  return { p50Us: times[Math.floor(times.length / 2)]!, p99Us: times[Math.floor(times.length * 0.99)]!, meanUs: times.reduce((sum, each) => sum + each, 0) / times.length }
}
