/** What a team or project sets for those below it: routing policy, model and fallbacks. It is saved by itself, and makes a new version of its node. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError } from '../../api.ts'
import { currentOf } from '../../govern/conflict.tsx'
import type { TreeNode } from '../../govern/types.ts'
import { changed, queries } from '../../queries.ts'
import { routing } from '../../routing/api.ts'
import { RoutingPolicySelect } from '../../routing/policy-select.tsx'
import { routed } from '../../routing/queries.ts'
import type { NodeDefaults as Defaults } from '../../routing/types.ts'
import { Button } from '../../ui/button.tsx'
import { Field, FormError, TextField } from '../../ui/field.tsx'
import { Load } from '../../ui/state.tsx'

interface Values {
  policy: string
  model: string
  fallbacks: string
}
const valuesOf = ({ policy, model, fallbacks }: Defaults): Values => ({ policy: policy ?? '', model: model ?? '', fallbacks: fallbacks?.join(', ') ?? '' })

/** Empty fallbacks are those from above: to have none, nobody sets any. */
const inputOf = ({ aliases, providers_off }: Defaults, { policy, model, fallbacks }: Values) => {
  const names = fallbacks.split(/[\s,]+/).filter(Boolean)
  return { policy: policy || null, model: model.trim() || null, fallbacks: names.length > 0 ? names : null, aliases, providers_off }
}

interface Props {
  node: TreeNode
  onSaved: (version: number) => void
}

function Form({ node, defaults, onSaved }: Props & { defaults: Defaults }) {
  const session = useQuery(queries.session).data
  const [base, setBase] = useState(defaults)
  const [values, setValues] = useState(valuesOf(defaults))
  const save = useMutation({
    mutationFn: () => routing.setDefaults(node.kind, node.id, inputOf(base, values), base.version),
    onSuccess: async (saved) => {
      setBase(saved)
      setValues(valuesOf(saved))
      onSaved(saved.version)
      await changed('tree')
    },
    // Nothing of another's change is lost: what is saved next goes on top of it.
    onError: (error) => {
      const current = currentOf<Defaults>(error)
      if (current !== null) setBase(current)
    },
  })
  const writes = session !== undefined && [...session.permissions, ...session.permissions_below].includes('routing:write')
  const disabled = node.managed_by !== 'api' || !writes
  const dirty = JSON.stringify(values) !== JSON.stringify(valuesOf(base))
  const param = save.error instanceof ApiError ? save.error.param : null
  const at = (name: keyof Values): string | null => (param?.startsWith(name) ? (save.error?.message ?? null) : null)
  const field = (name: 'model' | 'fallbacks') => ({ disabled, value: values[name], error: at(name), autoComplete: 'off', optional: true, onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }) })
  const current = currentOf<Defaults>(save.error)
  const failed = param !== null && (at('policy') ?? at('model') ?? at('fallbacks')) !== null ? undefined : save.error?.message
  return (
    <div className="grid gap-3">
      <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
        <Field label="Routing policy" error={at('policy')} help="Of requests for auto, where the key names none.">
          {(described) => <RoutingPolicySelect {...described} none="as above it" disabled={disabled} value={values.policy} onChange={(policy) => setValues({ ...values, policy })} />}
        </Field>
        <TextField label="Model" placeholder="as above it" help="Of requests that name none." {...field('model')} />
      </div>
      <TextField label="Fallbacks" placeholder="as above it" help="Tried next, in this order, where a request names none." {...field('fallbacks')} />
      {current ? <FormError>Someone changed these meanwhile: policy {current.policy ?? 'as above'}, model {current.model ?? 'as above'}, fallbacks {current.fallbacks?.join(', ') ?? 'as above'}. Save again to put yours in their place.</FormError> : <FormError>{failed}</FormError>}
      {!disabled && (
        <div>
          <Button size="s" disabled={!dirty || save.isPending} onClick={() => save.mutate()}>
            {save.isPending ? 'Saving…' : dirty ? 'Save defaults' : 'Saved'}
          </Button>
        </div>
      )}
    </div>
  )
}

export function NodeDefaults({ node, onSaved }: Props) {
  const defaults = useQuery(routed.defaults(node.kind, node.id))
  return (
    <Load of={defaults} rows={2}>
      {(data) => <Form key={data.node_id} node={node} defaults={data} onSaved={onSaved} />}
    </Load>
  )
}
