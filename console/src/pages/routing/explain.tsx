/** Which model would answer this prompt, and why: the router's own code, with nothing sent, tried, learned or kept. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError } from '../../api.ts'
import { queries } from '../../queries.ts'
import { routing } from '../../routing/api.ts'
import { RoutingPolicySelect } from '../../routing/policy-select.tsx'
import type { ExplainAsk, Explained } from '../../routing/types.ts'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Area, Field, FormError, Select, Switch, TextField } from '../../ui/field.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Empty } from '../../ui/state.tsx'
import { RoutingHead } from './head.tsx'
import { Removed, ToldView } from './told.tsx'

interface Values {
  prompt: string
  tools: boolean
  images: boolean
  output: string
  models: string
}
const blank: Values = { prompt: '', tools: false, images: false, output: '', models: '' }

function askOf({ prompt, tools, images, output, models }: Values, policy: string, key: string): ExplainAsk {
  const names = models.split(/[\s,]+/).filter(Boolean)
  return { prompt, key_id: key || null, policy: policy || null, ...(tools && { tools }), ...(images && { images }), ...(output.trim() && { max_output_tokens: Number(output) }), ...(names.length > 0 && { models: names }) }
}

function Result({ explained }: { explained: Explained }) {
  const { decision, model, refused, deployments } = explained
  if (decision === null || model === null)
    return (
      <div className="grid gap-3.5">
        <p role="alert" className="rounded-2 border border-l-3 border-line border-l-bad bg-surface px-3.5 py-2.5">
          <b className="font-semibold">It would be refused.</b> {refused?.message} {refused && <code className="mono text-12 text-fg-3">{refused.code}</code>}
        </p>
        {explained.removed.length > 0 && <Removed removed={explained.removed} />}
      </div>
    )
  return (
    <section aria-label="What would be decided">
      <p role="status" className="mb-3.5 rounded-2 border border-l-3 border-line border-l-accent bg-surface px-3.5 py-2.5">
        {decision.summary}.
      </p>
      <ToldView told={decision} model={model}>
        <Panel label="Asked in this order">
          <PanelHead title="Asked in this order" />
          <ol className="grid gap-1 px-3.5 pb-3.5 text-12">
            {deployments.map((deployment, index) => (
              <li key={deployment} className="flex gap-2">
                <span className="num w-4 flex-none text-right text-fg-3">{index + 1}</span>
                <span className="min-w-0 wrap-anywhere">{deployment}</span>
              </li>
            ))}
          </ol>
        </Panel>
      </ToldView>
    </section>
  )
}

interface FormProps {
  values: Values
  onChange: (values: Values) => void
  policy: string
  keyId: string
  onPlace: (place: { policy?: string; key?: string }) => void
  error: Error | null
  isPending: boolean
  onSubmit: () => void
}

function Form({ values, onChange, policy, keyId, onPlace, error, isPending, onSubmit }: FormProps) {
  const keys = useQuery(queries.keys).data?.data.filter(({ status }) => status === 'active') ?? []
  const param = error instanceof ApiError ? error.param : null
  const at = (name: string): string | null => (param === name ? (error?.message ?? null) : null)
  const isAtField = ['prompt', 'policy', 'key_id', 'max_output_tokens', 'models'].some((name) => at(name) !== null)
  return (
    <Panel className="mb-3.5">
      <form
        noValidate
        className="grid gap-4 px-3.5 py-3.5"
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        <Field label="Prompt" error={at('prompt')} help="Nothing is sent to a provider, and nothing is kept.">
          {(described) => <Area {...described} rows={4} placeholder="Write a function that parses ISO 8601 durations, with tests." value={values.prompt} onChange={(event) => onChange({ ...values, prompt: event.target.value })} />}
        </Field>
        <div className="grid grid-cols-4 gap-4 max-lg:grid-cols-2 max-md:grid-cols-1">
          <Field label="Policy" error={at('policy')}>
            {(described) => <RoutingPolicySelect {...described} none="as the key has it" value={policy} onChange={(name) => onPlace({ policy: name })} />}
          </Field>
          <Field label="As the key" error={at('key_id')}>
            {(described) => (
              <Select {...described} value={keyId} onChange={(event) => onPlace({ key: event.target.value })}>
                <option value="">none: as the organisation</option>
                {keys.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <TextField label="Output at most, tokens" optional inputMode="numeric" inputClass="num" placeholder="as usual" value={values.output} error={at('max_output_tokens')} onChange={(event) => onChange({ ...values, output: event.target.value })} />
          <TextField label="Only these models" optional placeholder="every model" autoComplete="off" value={values.models} error={at('models')} onChange={(event) => onChange({ ...values, models: event.target.value })} />
        </div>
        <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
          <Switch label="With tools" checked={values.tools} onChange={(tools) => onChange({ ...values, tools })} />
          <Switch label="With an image" checked={values.images} onChange={(images) => onChange({ ...values, images })} />
          <Button type="submit" look="primary" className="ml-auto" disabled={isPending || values.prompt.trim() === ''}>
            {isPending ? 'Asking…' : 'Explain choice'}
          </Button>
        </div>
        {!isAtField && <FormError>{error?.message}</FormError>}
      </form>
    </Panel>
  )
}

export function ExplainRouting() {
  const navigate = useNavigate()
  const { policy = '', key = '' }: { policy?: string; key?: string } = useSearch({ from: '/app/routing/explain' })
  const [values, setValues] = useState(blank)
  const ask = useMutation({ mutationFn: () => routing.explain(askOf(values, policy, key)) })
  const place = (next: { policy?: string; key?: string }): void => {
    const { policy: name, key: id } = { policy, key, ...next }
    void navigate({ to: '/routing/explain', search: { ...(name && { policy: name }), ...(id && { key: id }) }, replace: true, resetScroll: false })
  }
  return (
    <Page title="Explain routing" wide>
      <RoutingHead tab="explain" note="Which model would answer, and why" />
      <Form values={values} onChange={setValues} policy={policy} keyId={key} onPlace={place} error={ask.error} isPending={ask.isPending} onSubmit={() => ask.mutate()} />
      {ask.data ? (
        <Result explained={ask.data} />
      ) : (
        <Panel>
          <Empty title="Write a prompt to see how it would be routed">Candidates with their scores, what was removed and why, and what the best model would cost.</Empty>
        </Panel>
      )}
    </Page>
  )
}
