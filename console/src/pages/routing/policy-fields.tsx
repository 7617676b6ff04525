/** The fields of a routing policy. What is left empty is as the base has it, and the field says what that is. */
import { useQuery } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { queries } from '../../queries.ts'
import type { RoutingPolicy } from '../../routing/types.ts'
import { Segmented } from '../../ui/bits.tsx'
import { Button, TextButton } from '../../ui/button.tsx'
import { Area, Field, Input, Select, TextField } from '../../ui/field.tsx'
import { bases, baseWords, blankCandidate, type CandidateValues, efforts, type NumberName, type PolicyValues, type Problems } from './policy-values.ts'

interface Props {
  values: PolicyValues
  onChange: (values: PolicyValues) => void
  problems: Problems
  disabled: boolean
  /** What the base has, where it is known. */
  base: RoutingPolicy['effective'] | null
}

const Part = ({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) => (
  <fieldset className="grid min-w-0 gap-3 border-t border-line pt-3.5">
    <legend className="float-left mb-1 w-full font-medium">
      {title} {note && <span className="text-12 font-normal text-fg-3">{note}</span>}
    </legend>
    {children}
  </fieldset>
)

interface LineProps {
  index: number
  line: CandidateValues
  problems: Problems
  disabled: boolean
  isOnly: boolean
  onChange: (line: CandidateValues | null) => void
}

function CandidateLine({ index, line, problems, disabled, isOnly, onChange }: LineProps) {
  const [asksWhen, setAsksWhen] = useState(line.when !== '')
  const name = `candidates.${index}`
  const [model, effort, when, whole] = [problems[`${name}.model`], problems[`${name}.effort`], problems[`${name}.when`], problems[name]]
  const said = model ?? effort ?? whole
  return (
    <li className="grid gap-1.5">
      <div className="flex flex-wrap items-center gap-2">
        <Input className="min-w-[160px] flex-1 max-md:basis-full" list="policy-models" aria-label={`Model ${index + 1}`} aria-invalid={Boolean(model ?? whole)} placeholder="gpt-5-mini" autoComplete="off" disabled={disabled} value={line.model} onChange={(event) => onChange({ ...line, model: event.target.value })} />
        <span className="w-[132px]">
          <Select aria-label={`Effort of model ${index + 1}`} aria-invalid={Boolean(effort)} disabled={disabled} value={line.effort} onChange={(event) => onChange({ ...line, effort: event.target.value as CandidateValues['effort'] })}>
            <option value="">usual effort</option>
            {efforts.map((each) => (
              <option key={each} value={each}>
                {each === 'none' ? 'no reasoning' : `${each} effort`}
              </option>
            ))}
          </Select>
        </span>
        {!disabled && (
          <Button look="ghost" size="icon" aria-label={`Remove model ${index + 1}`} disabled={isOnly} onClick={() => onChange(null)}>
            <X className="size-3.5" aria-hidden />
          </Button>
        )}
      </div>
      {said && <p className="text-12 text-bad-fg">{said}</p>}
      {asksWhen || line.when !== '' ? (
        <Field label={<span className="text-12">Only when<span className="sr-only"> for model {index + 1}</span></span>} error={when} help="In CEL, on principal and request; such as request.input_tokens < 8000">
          {(described) => <Area {...described} className="mono text-12" rows={Math.max(1, line.when.split('\n').length)} spellCheck={false} disabled={disabled} value={line.when} onChange={(event) => onChange({ ...line, when: event.target.value })} />}
        </Field>
      ) : (
        !disabled && (
          <TextButton className="justify-self-start text-12" onClick={() => setAsksWhen(true)} aria-label={`Only when… for model ${index + 1}`}>
            Only when…
          </TextButton>
        )
      )}
    </li>
  )
}

function Candidates({ values, onChange, problems, disabled }: Omit<Props, 'base'>) {
  const models = useQuery(queries.available)
  const lines = values.candidates
  const put = (index: number, line: CandidateValues | null): void => onChange({ ...values, candidates: lines === null ? null : line === null ? lines.toSpliced(index, 1) : lines.with(index, line) })
  return (
    <Part title="Candidates">
      <div className="clear-both">
        <Segmented
          label="Models to choose from"
          value={lines === null ? 'all' : 'these'}
          options={[['all', 'Every model of the key'], ['these', 'These models']]}
          onChange={(to) => {
            if (!disabled && (to === 'all') !== (lines === null)) onChange({ ...values, candidates: to === 'all' ? null : [blankCandidate] })
          }}
        />
      </div>
      <datalist id="policy-models">
        {models.data?.data.slice(0, 300).map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      {lines !== null && (
        <>
          <ul className="grid gap-3">
            {lines.map((line, index) => (
              <CandidateLine key={index} index={index} line={line} problems={problems} disabled={disabled} isOnly={lines.length === 1} onChange={(next) => put(index, next)} />
            ))}
          </ul>
          {problems['candidates'] && <p className="text-12 text-bad-fg">{problems['candidates']}</p>}
          {!disabled && (
            <div>
              <Button size="s" onClick={() => onChange({ ...values, candidates: [...lines, blankCandidate] })}>
                <Plus className="size-3.5" aria-hidden />
                Add model
              </Button>
            </div>
          )}
        </>
      )}
    </Part>
  )
}

/** A number, with what the base has as its placeholder. */
function useNumber({ values, onChange, problems, disabled, base }: Props) {
  return (name: NumberName) => {
    const known = base?.[name]
    const none = known === undefined ? 'as its base' : (name.startsWith('min') || name.startsWith('max')) && (known === null || known === 0) ? 'none' : String(known)
    return { inputMode: 'decimal' as const, inputClass: 'num', autoComplete: 'off', placeholder: none, disabled, value: values[name], error: problems[name] ?? null, onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }) }
  }
}

const pair = 'clear-both grid grid-cols-2 gap-4 max-md:grid-cols-1'

function Weights(props: Props) {
  const number = useNumber(props)
  const isCheap = props.values.base === 'cheap'
  return (
    <>
      <Part title="What counts" note="0.05 is 5 points of quality in 100">
        <div className={pair}>
          <TextField label="Cost" help="Quality given up for saving the usual cost." {...number('cost')} />
          <TextField label="Time" help="The same for saving the usual time." {...number('latency')} />
          {(isCheap || props.values.tolerance !== '') && <TextField label="Tolerance" help="How far below the surest model is good enough." {...number('tolerance')} />}
        </div>
      </Part>
      <Part title="Bounds" note="whatever the score says">
        <div className={pair}>
          <TextField label="Lowest quality" help="From 0 to 1, as expected." {...number('min_quality')} />
          <TextField
            label="Highest cost of a request, USD"
            help="As expected before it is sent."
            inputMode="decimal"
            inputClass="num"
            autoComplete="off"
            placeholder={props.base?.max_cost_usd ?? 'none'}
            disabled={props.disabled}
            value={props.values.max_cost_usd}
            error={props.problems['max_cost_usd']}
            onChange={(event) => props.onChange({ ...props.values, max_cost_usd: event.target.value })}
          />
          <TextField label="Longest time, ms" help="Until the answer is complete." {...number('max_latency_ms')} />
        </div>
      </Part>
    </>
  )
}

function Conduct(props: Props) {
  const { values, onChange, problems, disabled, base } = props
  const number = useNumber(props)
  const asBase = base === null ? 'as its base' : base.sticky ? 'keeps its model' : 'may change any time'
  return (
    <>
      <Part title="Sessions">
        <div className={pair}>
          <Field label="A session" error={problems['sticky']}>
            {(described) => (
              <Select {...described} disabled={disabled} value={values.sticky} onChange={(event) => onChange({ ...values, sticky: event.target.value as PolicyValues['sticky'] })}>
                <option value="">{asBase} (base)</option>
                <option value="yes">keeps its model</option>
                <option value="no">may change any time</option>
              </Select>
            )}
          </Field>
          <TextField label="Margin" help="By how much another model must be better." {...number('margin')} />
        </div>
      </Part>
      <Part title="Trying models out" note="0.03 is 3 %; 0: never">
        <div className={pair}>
          <TextField label="Share of requests" {...number('explore_share')} />
          <TextField label="Share of the spend" {...number('explore_spend')} />
        </div>
      </Part>
    </>
  )
}

function Extras({ values, onChange, problems, disabled }: Omit<Props, 'base'>) {
  const field = (name: 'hedge' | 'cache', server: string) => ({ inputMode: 'decimal' as const, inputClass: 'num', autoComplete: 'off', placeholder: 'off', disabled, value: values[name], error: problems[server] ?? problems[name] ?? null, onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }) })
  return (
    <Part title="Hedging and cache">
      <div className={pair}>
        <TextField label="Second attempts, share of spend" help="One is sent elsewhere when the first is late; 0.05 is 5 %." {...field('hedge', 'hedge.max_spend')} />
        <TextField label="Keep answers, seconds" help="The same request gets the same answer again." {...field('cache', 'cache.ttl_seconds')} />
      </div>
    </Part>
  )
}

export function PolicyFields({ isNew, ...props }: Props & { isNew: boolean }) {
  const { values, onChange, problems, disabled } = props
  return (
    <div className="grid gap-4">
      {isNew && <TextField label="Name" data-focus="" autoComplete="off" placeholder="agents" help={`Requests ask for it as auto:${values.name.trim() || 'agents'}.`} value={values.name} error={problems['name']} onChange={(event) => onChange({ ...values, name: event.target.value })} />}
      <Field label="Base" help={baseWords[values.base]} error={problems['base']}>
        {(described) => (
          <Select {...described} disabled={disabled} value={values.base} onChange={(event) => onChange({ ...values, base: event.target.value as PolicyValues['base'] })}>
            {bases.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Candidates {...props} />
      <Weights {...props} />
      <Conduct {...props} />
      <Extras {...props} />
    </div>
  )
}
