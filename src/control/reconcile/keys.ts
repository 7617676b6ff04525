/**
 * Keys for models. The text of a key comes with the file, as a variable, or stays what it is; a key whose text is known is found by it, so
 * that a new name or place keeps its usage. A text that was revoked is refused: it may have leaked.
 */
import { isDeepStrictEqual } from 'node:util'
import type { DeclaredKey, DeclaredKeyText, Governance, Wanted } from '../../config/declared.ts'
import { storedForm, storedHashes } from '../../governance/key-format.ts'
import { pathBelow } from '../../governance/name-path.ts'
import type { Permission } from '../../governance/permissions.ts'
import { priorities } from '../../governance/priority.ts'
import { createKey, isKnownHash, listKeys, revokeKey, rotateKey, updateKey, type ApiKey } from '../../store/keys.ts'
import { everyRow, type Directory } from './directory.ts'
import { placed } from './people.ts'
import type { Need, Run } from './run.ts'
import { settle, type Aggregate, type Sweep } from './settle.ts'
import { byFile } from './tree.ts'
import { keyView } from './views.ts'

const hourUs = 3_600_000_000
/** Stored as none, which is what it means. */
const standard = priorities.indexOf('standard')

export const keyOfKey = ({ at, name }: DeclaredKey): string => pathBelow(at, name)

export function declaredKey(directory: Directory, key: ApiKey): DeclaredKey {
  return {
    name: key.name, at: directory.path(key.node), user: key.user === null ? null : directory.users.name(key.user), account: key.serviceAccount === null ? null : directory.accounts.name(key.serviceAccount),
    models: key.models, budget: key.budget, rateLimit: key.rateLimit, expiresAt: key.expiresAt, priority: key.priority === null || key.priority === standard ? null : priorities[key.priority] ?? null,
    tags: key.tags, ipAllow: key.ipAllow, routingPolicy: key.routingPolicy, disabled: key.status === 'disabled',
  }
}

/** All that are not revoked, the oldest first. */
export async function livingKeys(run: Pick<Run, 'write' | 'org'>): Promise<ApiKey[]> {
  const rows: ApiKey[] = []
  for (const status of ['active', 'disabled'] as const) rows.push(...await everyRow((page) => listKeys(run.write, run.org, { ...page, status })))
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
}

export const renamedKey = (own: DeclaredKey, name: (name: string) => string): DeclaredKey => ({ ...own, name: name(own.name) })

export async function keys(run: Run, wanted: Governance['keys']): Promise<Sweep> {
  const { write, org, directory, settings: { pepper } } = run
  const rows = await livingKeys(run)
  const byHash = new Map(rows.map((row) => [Buffer.from(row.hash).toString('hex'), row]))
  const isText = (row: ApiKey, text: string): boolean => storedHashes(pepper, text).some((hash) => hash.equals(row.hash))
  const settled = (row: ApiKey, own: DeclaredKey): ApiKey => {
    directory.keys.set(keyOfKey(own), row.id)
    directory.homes.set(row.id, row.node)
    return row
  }
  const aggregate: Aggregate<ApiKey, DeclaredKey, DeclaredKeyText> = {
    kind: 'key', rows, own: (row) => declaredKey(directory, row), keyOf: keyOfKey, renamed: renamedKey, view: keyView,
    find: ({ text }) => (text === null ? undefined : storedHashes(pepper, text).map((hash) => byHash.get(hash.toString('hex'))).find((row) => row !== undefined)),
    differs: (row, { text }) => text !== null && !isText(row, text),
    needs: (own, row) => needsOf(run, own, row),
    create: (own, want) => create(run, own, want),
    async update(row, own, { secret: { text, overlapHours } }) {
      if (text !== null && !isText(row, text)) {
        await refuseKnown(run, text, wanted.find((each) => each.own === own)!)
        await rotateKey(write, org, row.id, storedForm(pepper, text), write.at + overlapHours * hourUs, byFile)
      }
      const changed = await updateKey(write, org, row.id, { ...fieldsOf(run, own), status: own.disabled ? 'disabled' : 'active' }, byFile)
      return settled(changed ?? row, own)
    },
    remove: ({ id }) => revokeKey(write, org, id, byFile),
  }
  for (const row of rows) settled(row, declaredKey(directory, row))
  return settle(run, aggregate, wanted)
}

/** As by hand: whoever makes a key may limit it; a limit that is there takes the right that sets limits. */
function needsOf({ directory }: Run, own: DeclaredKey, row: ApiKey | null): Need[] {
  const node = directory.node(own.at) ?? null
  const at = (permission: Permission, place: string | null): Need => ({ what: 'permission', permission, node: place })
  const needs = [at('keys:write', row === null ? node : row.node)]
  const before = row === null ? null : declaredKey(directory, row)
  if (row !== null && row.node !== node) needs.push({ what: 'move', node: row.id, to: node })
  const differs = (field: 'budget' | 'rateLimit' | 'priority' | 'models'): boolean => before !== null && !isDeepStrictEqual(before[field], own[field])
  if (differs('budget')) needs.push(at('budgets:write', node))
  if (differs('rateLimit') || differs('priority') || (before === null && own.priority === 'interactive')) needs.push(at('limits:write', node))
  if (differs('models')) needs.push(at('policies:write', node))
  if (own.account !== null && own.account !== before?.account) needs.push(at('service_accounts:write', directory.homes.get(directory.accounts.id(own.account) ?? '') ?? null))
  if (own.user !== null && own.user !== before?.user) needs.push(at('keys:use_any', node))
  return needs
}

function fieldsOf(run: Run, own: DeclaredKey) {
  const { directory } = run
  const node = placed(run, own.at)
  return {
    name: own.name, node, ...nearest(directory, node), user: own.user === null ? null : directory.users.id(own.user), serviceAccount: own.account === null ? null : directory.accounts.id(own.account),
    models: own.models, budget: own.budget, rateLimit: own.rateLimit, expiresAt: own.expiresAt, priority: own.priority === null ? null : priorities.indexOf(own.priority), tags: own.tags, ipAllow: own.ipAllow, routingPolicy: own.routingPolicy,
  }
}

/** What an older version reads. */
function nearest(directory: Directory, id: string | null): { team: string | null; project: string | null } {
  const node = id === null ? undefined : directory.nodes.get(id)
  return node?.kind === 'project' ? { team: node.parent, project: node.id } : { team: node?.id ?? null, project: null }
}

async function create(run: Run, own: DeclaredKey, { place, secret: { text } }: Wanted<DeclaredKey, DeclaredKeyText>): Promise<ApiKey> {
  const { write, org, directory, settings: { pepper } } = run
  if (text === null) run.refuse([...place, 'name'], `there is no key ${keyOfKey(own)} yet, and the file does not say its text: make one with megarouter keys generate, keep it in a variable, and write key: \${VARIABLE}`)
  await refuseKnown(run, text, { place })
  const made = await createKey(write, { id: run.id('key'), org, ...fieldsOf(run, own), ...storedForm(pepper, text), managedBy: 'file' })
  directory.keys.set(keyOfKey(own), made.id)
  directory.homes.set(made.id, made.node)
  return own.disabled ? await updateKey(write, org, made.id, { status: 'disabled' }, byFile) ?? made : made
}

/** A text that some row has had: revoked, rotated away, or of another organisation, which is not told apart. */
async function refuseKnown(run: Run, text: string, { place }: Pick<Wanted<DeclaredKey, DeclaredKeyText>, 'place'>): Promise<void> {
  if (await isKnownHash(run.write, storedHashes(run.settings.pepper, text))) run.refuse([...place, 'key'], 'this text was a key before and was revoked or replaced: make another one with megarouter keys generate')
}
