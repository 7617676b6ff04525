/** Where a key belongs, whose it is, and how its requests are treated. What the server refuses of it stands at its field. */
import { useQuery } from '@tanstack/react-query'
import { ApiError } from '../../api.ts'
import type { Key } from '../../api-types.ts'
import { NodeSelect } from '../../govern/node-select.tsx'
import { governed, useMay } from '../../govern/queries.ts'
import { queries } from '../../queries.ts'
import { RoutingPolicySelect } from '../../routing/policy-select.tsx'
import { Field, Select, TextField } from '../../ui/field.tsx'
import type { KeyValues } from '../../ui/key-form.tsx'

interface Props {
  values: KeyValues
  onChange: (values: KeyValues) => void
  /** As it is; null: a new one. */
  of: Key | null
  error: Error | null
  disabled: boolean
}

/** People with a role, service accounts, and whoever it belongs to now; by the value of the field. */
function useOwners(of: Key | null): Map<string, string> {
  const session = useQuery(queries.session).data
  const members = useQuery(governed.memberships()).data?.data ?? []
  const accounts = useQuery(governed.serviceAccounts).data?.data ?? []
  const people = members.filter(({ principal }) => principal.kind === 'user').map(({ principal }) => [`user:${principal.id}`, principal.name] as const)
  return new Map([
    ...(session?.user.kind === 'user' ? [[`user:${session.user.id}`, session.user.name] as const] : []),
    ...people,
    ...(of?.user ? [[`user:${of.user.id}`, of.user.name] as const] : []),
    ...accounts.map(({ id, name }) => [`service_account:${id}`, `${name} (service account)`] as const),
    ...(of?.service_account ? [[`service_account:${of.service_account.id}`, `${of.service_account.name} (service account)`] as const] : []),
  ])
}

const priorityWords: Record<Key['priority'], string> = { interactive: 'Interactive: first', standard: 'Standard', batch: 'Batch: last' }

export function PlacedFields({ values, onChange, of, error, disabled }: Props) {
  const may = useMay()
  const owners = useOwners(of)
  const param = error instanceof ApiError ? error.param : null
  const at = (...names: string[]): string | null => (param !== null && names.some((name) => param === name || param.startsWith(`${name}.`)) ? (error?.message ?? null) : null)
  const set = (patch: Partial<KeyValues>): void => onChange({ ...values, ...patch })
  return (
    <>
      <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
        {may('teams:read') && (
          <Field label="Team or project" error={at('node_id')} help={of === null ? undefined : 'A move keeps its usage where it happened.'}>
            {(described) => <NodeSelect {...described} value={values.node || null} onChange={(node) => set({ node: node ?? '' })} disabled={disabled} />}
          </Field>
        )}
        <Field label="Owner" error={at('user_id', 'service_account_id')}>
          {(described) => (
            <Select {...described} disabled={disabled} value={values.owner} onChange={(event) => set({ owner: event.target.value })}>
              <option value="">{of === null ? 'you' : 'nobody'}</option>
              {[...owners].map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Priority" error={at('priority')} help="Who is served first when there is not enough for all.">
          {(described) => (
            <Select {...described} disabled={disabled} value={values.priority} onChange={(event) => set({ priority: event.target.value as Key['priority'] })}>
              {(Object.entries(priorityWords) as [Key['priority'], string][]).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {may('routing:read') && (
          <Field label="Routing policy" error={at('routing_policy')} help="Of its requests for auto.">
            {(described) => <RoutingPolicySelect {...described} none="as its team or project has it" disabled={disabled} value={values.policy} onChange={(policy) => set({ policy })} />}
          </Field>
        )}
        <TextField label="Tags" optional disabled={disabled} value={values.tags} error={at('tags')} placeholder="none" help="With commas between them; budgets can be set for a tag." onChange={(event) => set({ tags: event.target.value })} />
      </div>
      <TextField label="Allowed addresses" optional disabled={disabled} value={values.addresses} error={at('ip_allow')} placeholder="any" help="Addresses and ranges such as 192.0.2.1 or 10.0.0.0/8, with commas between them." onChange={(event) => set({ addresses: event.target.value })} />
    </>
  )
}
