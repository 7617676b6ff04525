/** The fields of a key, shared by onboarding and the Keys page, and their way to and from the admin API. */
import { useQuery } from '@tanstack/react-query'
import type { ComponentProps } from 'react'
import type { BudgetMode, Key, KeyInput, Period } from '../api-types.ts'
import { money, parseMoney } from '../format.ts'
import { queries } from '../queries.ts'
import { Field, Select, TextField } from './field.tsx'

export interface KeyValues {
  name: string
  models: string
  limit: string
  period: Period
  mode: BudgetMode
  rpm: string
  tpm: string
  concurrency: string
  expires: string
}
export const emptyKey: KeyValues = { name: '', models: '', limit: '', period: 'month', mode: 'strict', rpm: '', tpm: '', concurrency: '', expires: '' }
export const periods: Period[] = ['hour', 'day', 'week', 'month', 'year', 'total']
const periodName = (period: Period): string => (period === 'total' ? 'in total' : `a ${period}`.replace('a hour', 'an hour'))
const shown = (value: number | null | undefined): string => (value == null ? '' : String(value))

export const keyValues = (key: Key): KeyValues => ({
  name: key.name,
  models: key.models?.join(', ') ?? '',
  limit: key.budget ? money(key.budget.limit_nano) : '',
  period: key.budget?.period ?? 'month',
  mode: key.budget?.mode ?? 'strict',
  rpm: shown(key.rate_limit?.rpm),
  tpm: shown(key.rate_limit?.tpm),
  concurrency: shown(key.rate_limit?.concurrency),
  expires: key.expires_at?.slice(0, 10) ?? '',
})
const whole = (text: string): number | null => {
  const value = parseMoney(text)
  return value !== null && Number.isInteger(value) && value > 0 ? value : null
}

export function keyProblems(values: KeyValues): Partial<Record<keyof KeyValues, string>> {
  const found: Partial<Record<keyof KeyValues, string>> = {}
  if (!values.name.trim()) found.name = 'Give it the name of the application or person that will use it.'
  if (values.limit.trim() && !parseMoney(values.limit)) found.limit = 'Write an amount above 0, such as 20, 1.5k or $2,000.'
  for (const name of ['rpm', 'tpm', 'concurrency'] as const)
    if (values[name].trim() && whole(values[name]) === null) found[name] = 'Write a whole number above 0, or leave it empty.'
  return found
}
export function keyInput(values: KeyValues): KeyInput {
  const models = values.models.split(/[\s,]+/).filter(Boolean)
  const limit = values.limit.trim() ? parseMoney(values.limit) : null
  const rate = { rpm: whole(values.rpm), tpm: whole(values.tpm), concurrency: whole(values.concurrency) }
  const limits = Object.fromEntries(Object.entries(rate).filter(([, value]) => value !== null))
  return {
    name: values.name.trim(),
    ...(models.length ? { models } : {}),
    ...(limit ? { budget: { limit_usd: limit, period: values.period, mode: values.mode } } : {}),
    ...(Object.keys(limits).length ? { rate_limit: limits } : {}),
    ...(values.expires ? { expires_at: `${values.expires}T23:59:59Z` } : {}),
  }
}
/** For an edit, what was emptied is taken away rather than left as it was. */
export const keyChanges = (values: KeyValues): KeyInput => ({ models: null, budget: null, rate_limit: null, expires_at: null, ...keyInput(values) })

interface Props {
  values: KeyValues
  onChange: (values: KeyValues) => void
  problems: Partial<Record<keyof KeyValues, string>>
  short?: boolean
  disabled?: boolean
}

const modes: [BudgetMode, string][] = [
  ['strict', 'Strict'],
  ['standard', 'Standard'],
  ['soft', 'Soft'],
]
const Choice = ({ options, ...rest }: ComponentProps<'select'> & { options: [string, string][] }) => (
  <Select {...rest}>
    {options.map(([id, name]) => (
      <option key={id} value={id}>
        {name}
      </option>
    ))}
  </Select>
)
const modeHelp: Record<BudgetMode, string> = {
  strict: 'Refused if its largest possible cost does not fit.',
  standard: 'Refused if its expected cost does not fit.',
  soft: 'Never refused; shown and reported only.',
}

export function KeyFields({ values, onChange, problems, short, disabled = false }: Props) {
  const models = useQuery(queries.available)
  const field = (name: keyof KeyValues) => ({
    name,
    disabled,
    value: values[name],
    error: problems[name] ?? null,
    onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }),
  })
  const set =
    <K extends keyof KeyValues>(name: K) =>
    (event: { target: { value: string } }) =>
      onChange({ ...values, [name]: event.target.value })
  return (
    <>
      <TextField
        label="Name"
        autoComplete="off"
        {...(values.name ? {} : { 'data-focus': '' })}
        {...field('name')}
        help={short ? 'For example the application or person that will use it.' : undefined}
      />
      <div className={`grid gap-4 ${short ? 'md:grid-cols-2' : 'grid-cols-2 max-md:grid-cols-1'}`}>
        <TextField label="Budget, USD" optional inputMode="decimal" placeholder="no limit" {...field('limit')} help="Refused with 402 when it is used up." />
        <Field label="Per">
          {(described) => (
            <Choice
              {...described}
              disabled={disabled}
              value={values.period}
              onChange={set('period')}
              options={periods.map((period) => [period, periodName(period)])}
            />
          )}
        </Field>
      </div>
      {!short && (
        <Field label="When a request could pass the budget" help={modeHelp[values.mode]}>
          {(described) => <Choice {...described} disabled={disabled} value={values.mode} onChange={set('mode')} options={modes} />}
        </Field>
      )}
      <div className={`grid gap-4 ${short ? 'md:grid-cols-2' : 'grid-cols-3 max-md:grid-cols-1'}`}>
        <TextField label="Requests/min" optional inputMode="numeric" placeholder="no limit" {...field('rpm')} />
        {short ? null : <TextField label="Tokens/min" optional inputMode="numeric" placeholder="no limit" {...field('tpm')} />}
        <TextField label="Concurrent" optional inputMode="numeric" placeholder="no limit" {...field('concurrency')} />
      </div>
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
