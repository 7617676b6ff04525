/** Budget and rate limits, the same for a key and for the organisation, and their way to and from the admin API: exact to the nano-dollar. */
import type { ComponentProps } from 'react'
import type { BudgetMode, KeyInput, Period, Settings } from '../api-types.ts'
import { moneyInput, parseUsd } from '../format.ts'
import { Field, Select, TextField } from './field.tsx'

export interface LimitValues {
  limit: string
  period: Period
  mode: BudgetMode
  rpm: string
  tpm: string
  concurrency: string
  spend: string
}
export const noLimits: LimitValues = { limit: '', period: 'month', mode: 'standard', rpm: '', tpm: '', concurrency: '', spend: '' }
const periods: Period[] = ['hour', 'day', 'week', 'month', 'year', 'total']
const periodName = (period: Period): string => (period === 'total' ? 'in total' : `a ${period}`.replace('a hour', 'an hour'))
const shown = (value: number | null | undefined): string => (value == null ? '' : String(value))
const shownMoney = (nano: number | null | undefined): string => (nano == null ? '' : moneyInput(nano))

export const limitValues = ({ budget, rate_limit: rate }: Pick<Settings, 'budget' | 'rate_limit'>): LimitValues => ({
  limit: shownMoney(budget?.limit_nano),
  period: budget?.period ?? noLimits.period,
  mode: budget?.mode ?? noLimits.mode,
  rpm: shown(rate?.rpm),
  tpm: shown(rate?.tpm),
  concurrency: shown(rate?.concurrency),
  spend: shownMoney(rate?.spend_nano_per_minute),
})

/** Null where nothing or no whole number above 0 is written. */
function whole(text: string): number | null {
  const value = Number(parseUsd(text) ?? '0')
  return Number.isInteger(value) && value > 0 ? value : null
}

export type LimitProblems = Partial<Record<keyof LimitValues, string>>

export function limitProblems(values: LimitValues): LimitProblems {
  const found: LimitProblems = {}
  if (values.limit.trim() && parseUsd(values.limit) === null) found.limit = 'Write an amount such as 20, 1.5k or $2,000; 0 blocks at once.'
  if (values.spend.trim() && !Number(parseUsd(values.spend))) found.spend = 'Write an amount above 0, such as 20, 1.5k or $2,000.'
  for (const name of ['rpm', 'tpm', 'concurrency'] as const)
    if (values[name].trim() && whole(values[name]) === null) found[name] = 'Write a whole number above 0, or leave it empty.'
  return found
}

/** What is empty is null: no limit. */
export function limitInput(values: LimitValues): Required<Pick<KeyInput, 'budget' | 'rate_limit'>> {
  const limit = parseUsd(values.limit)
  const rate = { rpm: whole(values.rpm), tpm: whole(values.tpm), concurrency: whole(values.concurrency), spend_usd_per_minute: parseUsd(values.spend) }
  return {
    budget: limit === null ? null : { limit_usd: limit, period: values.period, mode: values.mode },
    rate_limit: Object.values(rate).every((value) => value === null) ? null : rate,
  }
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
  strict: 'Refused if its largest possible cost does not fit, or has no limit. The budget is never passed.',
  standard: 'Refused if its expected cost does not fit; a stream that outgrows the budget ends with an error.',
  soft: 'Never refused; shown and reported only.',
}

interface Props {
  values: LimitValues
  onChange: (values: LimitValues) => void
  problems: LimitProblems
  short?: boolean | undefined
  disabled?: boolean
}

export function LimitFields({ values, onChange, problems, short, disabled = false }: Props) {
  const set = (name: keyof LimitValues) => (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value })
  const field = (name: keyof LimitValues) => ({
    name,
    disabled,
    optional: true,
    placeholder: 'no limit',
    value: values[name],
    error: problems[name] ?? null,
    onChange: set(name),
  })
  return (
    <>
      <div className={`grid gap-4 ${short ? 'md:grid-cols-2' : 'grid-cols-2 max-md:grid-cols-1'}`}>
        <TextField label="Budget, USD" inputMode="decimal" {...field('limit')} help={values.mode === 'soft' ? 'Shown and reported when it is used up.' : 'Refused with 402 when it is used up.'} />
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
      <div className={`grid gap-4 ${short ? 'md:grid-cols-2' : 'grid-cols-2 max-md:grid-cols-1'}`}>
        <TextField label="Requests/min" inputMode="numeric" {...field('rpm')} />
        {!short && <TextField label="Tokens/min" inputMode="numeric" {...field('tpm')} />}
        <TextField label="Concurrent" inputMode="numeric" {...field('concurrency')} />
        {!short && <TextField label="USD/min" inputMode="decimal" {...field('spend')} />}
      </div>
    </>
  )
}
