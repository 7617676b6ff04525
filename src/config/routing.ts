/** Routing policies of a configuration, checked as the gateway will compile them. Mistakes are reported with their place; whether models exist is for the database and the catalogue to say. */
import { builtInNames, compilePolicy, type PolicyProblem } from '../routing/compile-policy.ts'
import { isAuto } from '../routing/policy-data.ts'
import { readPolicy, writtenProblem } from '../routing/written-policy.ts'
import type { Governance, Place } from './declared.ts'
import type { Reader } from './reader.ts'

/** Before what refers to them. */
export function routingOf(reader: Reader): Governance['routing'] {
  const own = new Set<string>()
  for (const name of builtInNames) reader.policies.add(name)
  const found = (reader.file.routing?.policies ?? []).map(({ name, ...written }, index) => {
    const place: Place = ['routing', 'policies', index]
    if (own.has(name)) reader.report([...place, 'name'], `a routing policy ${name} is declared above: choose another name`)
    if (isAuto(name)) reader.report([...place, 'name'], 'auto itself is no policy: it asks for the one of the key, its team or project, else for balanced. Choose another name, or declare balanced')
    own.add(name)
    reader.policies.add(name)
    const data = readPolicy(name, written)
    const compiled = compilePolicy(data)
    if (Array.isArray(compiled)) for (const problem of compiled) reportPolicy(reader, place, writtenProblem(problem))
    return { own: data, place: reader.at(place), was: null, secret: null }
  })
  return found
}

/** Of a condition with the place inside of its text. */
function reportPolicy(reader: Reader, place: Place, { field, error, line, column }: PolicyProblem): void {
  const at = [...place, ...field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))]
  if (line === undefined || column === undefined) reader.report(at, error)
  else reader.source.reportInside([...reader.base, ...at], line, column, error)
}

/** What an alias or a declared model may not be called: a request for that name would not know which one is meant. */
export function notPolicy(name: string, policies: ReadonlySet<string>): string | null {
  if (isAuto(name)) return `${name} asks for a routing policy: choose another name`
  return policies.has(name) ? `there is a routing policy ${name} in this file too: choose another name for one of them` : null
}

/** Those that are called by their bare names. One that takes the place of a built-in policy is called `auto:<name>` where an alias has its name. */
export const bareNames = (file: Pick<Reader['file'], 'routing'>): ReadonlySet<string> =>
  new Set((file.routing?.policies ?? []).map(({ name }) => name).filter((name) => !builtInNames.some((each) => each === name)))
