/** Step 1: the token from the terminal makes its reader the owner. It may come in the address, from where it is removed at once. */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { ApiError, api } from '../../api.ts'
import { changed, client, queries } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { FormError, TextField } from '../../ui/field.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Lead } from './lead.tsx'

/** Taken from the hash, which never reaches a server or its log, and then gone from the address and the history. */
function tokenFromAddress(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
  if (token) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
const initialToken = tokenFromAddress()
const tokenCodes = new Set(['bootstrap_token_wrong', 'bootstrap_token_expired', 'bootstrap_token_used'])
const shortest = 12

interface Values {
  token: string
  organisation: string
  name: string
  email: string
  password: string
}
const checks: { [K in keyof Values]: (value: string) => string | null } = {
  token: (value) => (value.trim() ? null : 'Copy the token that MegaRouter printed when it started.'),
  organisation: () => null,
  name: (value) => (value.trim() ? null : 'Enter the name that others will see.'),
  email: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : 'Enter an address such as mara@larkfield.example.'),
  password: (value) => (value.length >= shortest ? null : `A password needs at least ${shortest} characters; this one has ${value.length}.`),
}
type Errors = Partial<Record<keyof Values, string>>

function useOwnerForm(onDone: () => void) {
  const [values, setValues] = useState<Values>({ token: initialToken, organisation: '', name: '', email: '', password: '' })
  const [errors, setErrors] = useState<Errors>({})
  const claim = useMutation({
    mutationFn: () =>
      api.claim({
        token: values.token.trim(),
        name: values.name.trim(),
        email: values.email.trim(),
        password: values.password,
        ...(values.organisation.trim() ? { organisation: values.organisation.trim() } : {}),
      }),
    onSuccess: async () => {
      client.setQueryData(queries.session.queryKey, await api.session())
      await changed('setup')
      onDone()
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return
      const field = tokenCodes.has(error.code) ? 'token' : error.param
      if (field && field in checks) setErrors({ [field]: error.message })
    },
  })
  const check = (name: keyof Values) =>
    setErrors((old) => {
      const { [name]: _, ...rest } = old
      const problem = checks[name](values[name])
      return problem ? { ...rest, [name]: problem } : rest
    })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const found: Errors = {}
    for (const name of Object.keys(checks) as (keyof Values)[]) {
      const problem = checks[name](values[name])
      if (problem) found[name] = problem
    }
    setErrors(found)
    const first = Object.keys(found)[0]
    if (first) event.currentTarget.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus()
    else claim.mutate()
  }
  const field = (name: keyof Values) => ({
    name,
    value: values[name],
    error: errors[name] ?? null,
    onBlur: () => {
      if (values[name]) check(name)
    },
    onChange: (event: { target: { value: string } }) => setValues((old) => ({ ...old, [name]: event.target.value })),
  })
  const general = claim.error && Object.keys(errors).length === 0 ? claim.error.message : null
  return { field, submit, pending: claim.isPending, general }
}

export function OwnerStep({ onDone }: { onDone: () => void }) {
  const { field, submit, pending, general } = useOwnerForm(onDone)
  const [hadToken] = useState(initialToken !== '')
  useEffect(() => {
    document.querySelector<HTMLInputElement>(`[name="${hadToken ? 'organisation' : 'token'}"]`)?.focus()
  }, [hadToken])
  return (
    <>
      <Lead title="Make this gateway yours">The token proves that you started MegaRouter. It works once; nobody can sign in before it was used.</Lead>
      <Panel className="p-5">
        <form noValidate onSubmit={submit} className="grid gap-4">
          <TextField
            label="One-time token"
            inputClass="mono"
            autoComplete="off"
            spellCheck={false}
            {...field('token')}
            help={
              hadToken
                ? 'Taken from the link in your terminal.'
                : 'In the terminal that runs MegaRouter, after “bootstrap token”. It is also in the file that is named there.'
            }
          />
          <div className="grid gap-4 md:grid-cols-2">
            <TextField label="Organisation" optional autoComplete="organization" {...field('organisation')} />
            <TextField label="Your name" autoComplete="name" {...field('name')} />
            <TextField label="Email" type="email" autoComplete="username" {...field('email')} help="You sign in with it. Nothing is sent there." />
            <TextField label="Password" type="password" autoComplete="new-password" {...field('password')} help={`At least ${shortest} characters.`} />
          </div>
          <FormError>{general}</FormError>
          <div>
            <Button type="submit" look="primary" disabled={pending}>
              {pending ? 'Creating owner…' : 'Create owner'}
            </Button>
          </div>
        </form>
      </Panel>
    </>
  )
}
