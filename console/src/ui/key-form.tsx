/** The fields of a key, shared by onboarding and the Keys page, and their way to and from the admin API. */
import { useQuery } from '@tanstack/react-query'
import type { Key, KeyInput, NewKeyInput } from '../api-types.ts'
import { queries } from '../queries.ts'
import { TextField } from './field.tsx'
import { LimitFields, limitInput, limitProblems, limitValues, type LimitValues, noLimits } from './limits-form.tsx'

export interface KeyValues extends LimitValues {
  name: string
  models: string
  expires: string
  /** Of a team or project; empty: the organisation. */
  node: string
  /** `user:…` or `service_account:…`; empty: nobody, or whoever makes it. */
  owner: string
  priority: Key['priority']
  /** Routing policy for `auto`; empty: as its place has it. */
  policy: string
  tags: string
  addresses: string
}
export const emptyKey: KeyValues = { name: '', models: '', ...noLimits, expires: '', node: '', owner: '', priority: 'standard', policy: '', tags: '', addresses: '' }

const ownerOf = ({ user, service_account: account }: Key): string => (account ? `service_account:${account.id}` : user ? `user:${user.id}` : '')

export const keyValues = (key: Key): KeyValues => ({
  name: key.name,
  models: key.models?.join(', ') ?? '',
  ...limitValues(key),
  expires: key.expires_at?.slice(0, 10) ?? '',
  node: key.node.kind === 'organisation' ? '' : key.node.id,
  owner: ownerOf(key),
  priority: key.priority,
  policy: key.routing_policy ?? '',
  tags: key.tags.join(', '),
  addresses: key.ip_allow?.join(', ') ?? '',
})

export function keyProblems(values: KeyValues): Partial<Record<keyof KeyValues, string>> {
  return { ...(values.name.trim() ? {} : { name: 'Give it the name of the application or person that will use it.' }), ...limitProblems(values) }
}
const words = (typed: string): string[] => typed.split(/[\s,]+/).filter(Boolean)
const commas = (typed: string): string[] => typed.split(',').map((part) => part.trim()).filter(Boolean)

function ownerInput(owner: string): Pick<KeyInput, 'user_id' | 'service_account_id'> {
  const [kind, id = null] = owner.split(':')
  return kind === 'service_account' ? { user_id: null, service_account_id: id } : { user_id: id, service_account_id: null }
}

export function keyInput(values: KeyValues): KeyInput {
  const models = words(values.models)
  const [tags, addresses] = [commas(values.tags), words(values.addresses)]
  const { budget, rate_limit } = limitInput(values)
  return {
    name: values.name.trim(),
    ...(models.length ? { models } : {}),
    ...(budget ? { budget } : {}),
    ...(rate_limit ? { rate_limit } : {}),
    ...(values.expires ? { expires_at: `${values.expires}T23:59:59Z` } : {}),
    ...(values.priority === 'standard' ? {} : { priority: values.priority }),
    ...(values.policy ? { routing_policy: values.policy } : {}),
    ...(tags.length ? { tags } : {}),
    ...(addresses.length ? { ip_allow: addresses } : {}),
  }
}
export const newKeyInput = (values: KeyValues): NewKeyInput => ({ ...keyInput(values), name: values.name.trim(), ...(values.node && { node_id: values.node }), ...(values.owner && ownerInput(values.owner)) })

/** For an edit, what was emptied is taken away rather than left as it was. Its place is changed by a move. */
export const keyChanges = (values: KeyValues, before: Key): KeyInput => ({
  models: null, budget: null, rate_limit: null, expires_at: null, priority: 'standard', routing_policy: null, tags: [], ip_allow: null, ...keyInput(values), ...(values.owner !== ownerOf(before) && ownerInput(values.owner)),
})

interface Props {
  values: KeyValues
  onChange: (values: KeyValues) => void
  problems: Partial<Record<keyof KeyValues, string>>
  short?: boolean
  disabled?: boolean
}

export function KeyFields({ values, onChange, problems, short, disabled = false }: Props) {
  const models = useQuery(queries.available)
  const field = (name: 'name' | 'models' | 'expires') => ({
    name,
    disabled,
    value: values[name],
    error: problems[name] ?? null,
    onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }),
  })
  return (
    <>
      <TextField
        label="Name"
        autoComplete="off"
        {...(values.name ? {} : { 'data-focus': '' })}
        {...field('name')}
        help={short ? 'For example the application or person that will use it.' : undefined}
      />
      <LimitFields values={values} onChange={(limits) => onChange({ ...values, ...limits })} problems={problems} short={short} disabled={disabled} />
      {!short && (
        <TextField
          label="Models"
          optional
          list="model-names"
          placeholder="every model"
          autoComplete="off"
          {...field('models')}
          help="Names with commas between them; * stands for any rest, as in openai/*."
        />
      )}
      <datalist id="model-names">
        {models.data?.data.slice(0, 200).map((model) => (
          <option key={model.id} value={model.id} />
        ))}
      </datalist>
      {!short && <TextField label="Last day" optional type="date" {...field('expires')} help="The key stops at the end of this day, UTC." />}
    </>
  )
}
