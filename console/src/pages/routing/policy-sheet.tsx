/** One routing policy in a side sheet: create, edit on the version that was read, delete. What the server finds wrong stands at its field. */
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError } from '../../api.ts'
import { Conflict, currentOf } from '../../govern/conflict.tsx'
import { useMay } from '../../govern/queries.ts'
import { changed } from '../../queries.ts'
import { routing } from '../../routing/api.ts'
import type { RoutingPolicy } from '../../routing/types.ts'
import { Declared } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/field.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { PolicyPreview, usePreview } from './policy-preview.tsx'
import { blankPolicy, policyInput, type PolicyValues, policyValues, type Problems, serverProblems, shownValues, typedProblems } from './policy-values.ts'

const patchOf = (values: PolicyValues) => {
  const { name: _, ...patch } = policyInput(values)
  return patch
}
const same = (a: PolicyValues, b: PolicyValues): boolean => JSON.stringify(policyInput(a)) === JSON.stringify(policyInput(b))

/** What the base has: from the policy itself as long as it stands on it and says nothing of its own, else from the built-in one. */
function baseOf(values: PolicyValues, policies: readonly RoutingPolicy[]): RoutingPolicy['effective'] | null {
  return policies.find(({ built_in: isBuiltIn, name }) => isBuiltIn && name === values.base)?.effective ?? null
}

/** Which fields the form shows a problem at; what the server says beyond them stands below it. */
function useProblems(values: PolicyValues, isNew: boolean, error: Error | null) {
  const [tried, setTried] = useState(false)
  const [needsName, setNeedsName] = useState(false)
  const [sent, setSent] = useState(values)
  const typed = typedProblems(values, isNew && needsName)
  const found: Problems = error instanceof ApiError && same(sent, values) ? serverProblems(error, sent) : {}
  return {
    problems: { ...found, ...(tried ? typed : {}) },
    rest: error !== null && Object.keys(found).length === 0 && currentOf(error) === null && same(sent, values) ? error.message : undefined,
    /** Whether it can be sent; to be looked at it needs no name. */
    check: (isSaved: boolean): boolean => {
      setTried(true)
      setNeedsName(isSaved)
      setSent(values)
      return Object.keys(typedProblems(values, isNew && isSaved)).length === 0
    },
  }
}

interface NewProps {
  policies: readonly RoutingPolicy[]
  onClose: () => void
}

export function NewPolicySheet({ policies, onClose }: NewProps) {
  const [values, setValues] = useState(blankPolicy)
  const create = useMutation({
    mutationFn: () => routing.createPolicy(policyInput(values)),
    onSuccess: async () => {
      await changed('routing-policies')
      onClose()
    },
  })
  const preview = usePreview(values, '')
  const { problems, rest, check } = useProblems(values, true, create.error ?? preview.ask.error)
  return (
    <Sheet
      title="Create policy"
      note="It gives nobody a right: it chooses among the models that the key may use."
      onClose={onClose}
      onSubmit={() => {
        preview.ask.reset()
        if (check(true)) create.mutate()
      }}
      footer={
        <>
          <Button type="submit" look="primary" disabled={create.isPending}>
            {create.isPending ? 'Creating…' : 'Create policy'}
          </Button>
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
        </>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <PolicyFields isNew values={values} onChange={setValues} problems={problems} disabled={false} base={baseOf(values, policies)} />
        <PolicyPreview
          policies={policies}
          of={preview}
          check={() => {
            create.reset()
            return check(false)
          }}
        />
        <FormError>{rest}</FormError>
      </div>
    </Sheet>
  )
}

function Delete({ policy, onClose, onDone }: { policy: RoutingPolicy; onClose: () => void; onDone: () => void }) {
  const remove = useMutation({
    mutationFn: () => routing.deletePolicy(policy.name, policy.version),
    onSuccess: async () => {
      await changed('routing-policies')
      onDone()
    },
  })
  return (
    <Dialog
      title={`Delete ${policy.name}?`}
      onClose={onClose}
      onSubmit={() => remove.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Keep policy</Button>
          <Button type="submit" look="danger" disabled={remove.isPending}>
            {remove.isPending ? 'Deleting…' : 'Delete policy'}
          </Button>
        </>
      }
    >
      <p className="text-fg-2">
        Requests for <code className="mono">auto:{policy.name}</code> are refused from then on, unless it took the place of a built-in policy: then that one is back.
      </p>
      <FormError>{remove.error?.message}</FormError>
    </Dialog>
  )
}

function usePolicyEdit(policy: RoutingPolicy) {
  const [base, setBase] = useState(policy)
  const [values, setValues] = useState(policyValues(policy))
  const save = useMutation({
    mutationFn: (version: number) => routing.updatePolicy(base.name, patchOf(values), version),
    onSuccess: async (saved) => {
      setBase(saved)
      setValues(policyValues(saved))
      await changed('routing-policies')
    },
  })
  const current = currentOf<RoutingPolicy>(save.error)
  const take = (mine: boolean): void => {
    if (current === null) return
    setBase(current)
    if (mine) return save.mutate(current.version)
    setValues(policyValues(current))
    save.reset()
  }
  return { base, values, setValues, save, current, take, dirty: !same(values, policyValues(base)) }
}

const Decisions = ({ of }: { of: RoutingPolicy }) => (
  <Link to="/routing/decisions" search={{ policy: of.name }} className={button()}>
    Its decisions
  </Link>
)

export function PolicySheet({ policy, policies, onClose }: { policy: RoutingPolicy } & NewProps) {
  const mayWrite = useMay()('routing:write')
  const { base, values, setValues, save, current, take, dirty } = usePolicyEdit(policy)
  const preview = usePreview(values, policy.name)
  const { problems, rest, check } = useProblems(values, false, save.error ?? preview.ask.error)
  const [deleting, setDeleting] = useState(false)
  const isDeclared = base.managed_by !== 'api'
  const readOnly = isDeclared || base.built_in || !mayWrite
  if (deleting) return <Delete policy={base} onClose={() => setDeleting(false)} onDone={onClose} />
  const submit = (): void => {
    preview.ask.reset()
    if (check(true)) save.mutate(base.version)
  }
  const footer = readOnly ? (
    <Decisions of={base} />
  ) : (
    <>
      <Button type="submit" look="primary" disabled={!dirty || save.isPending}>
        {save.isPending ? 'Saving…' : dirty ? 'Save policy' : 'Saved'}
      </Button>
      <Decisions of={base} />
      <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => setDeleting(true)}>
        Delete policy…
      </Button>
    </>
  )
  return (
    <Sheet
      title={<code className="mono">{base.name}</code>}
      note={base.built_in ? 'Built in. A policy of your own with this name takes its place.' : 'Changes reach requests within a second.'}
      onClose={onClose}
      footer={footer}
      {...(readOnly ? {} : { onSubmit: submit })}
    >
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {isDeclared && <Declared by="megarouter.yaml">; it is read again at once</Declared>}
        {current && <Conflict what={base.name} mine={shownValues(values)} theirs={shownValues(policyValues(current))} onMine={() => take(true)} onTheirs={() => take(false)} />}
        <PolicyFields isNew={false} values={values} onChange={setValues} problems={problems} disabled={readOnly} base={baseOf(values, policies)} />
        <PolicyPreview
          policies={policies}
          of={preview}
          check={() => {
            if (!current) save.reset()
            return check(false)
          }}
        />
        <FormError>{rest}</FormError>
      </div>
    </Sheet>
  )
}
