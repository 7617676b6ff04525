/** Sign in with e-mail and password, then back to where the reader was. The server says why it refuses, also plain HTTP from elsewhere. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { api } from '../api.ts'
import { client, queries } from '../queries.ts'
import { Mark } from '../shell/mark.tsx'
import { Button } from '../ui/button.tsx'
import { FormError, TextField } from '../ui/field.tsx'

/** Only a path of this console: an address of another site is ignored. */
const safe = (next: string | undefined): string => (next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/')

export function Login() {
  const router = useRouter()
  const { next } = useSearch({ from: '/login' })
  const { data: setup } = useQuery(queries.setup)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  useEffect(() => {
    document.title = 'Sign in · MegaRouter'
  }, [])
  useEffect(() => {
    if (setup && !setup.claimed) void router.navigate({ to: '/welcome' })
  }, [setup, router])
  const signIn = useMutation({
    mutationFn: () => api.signIn({ email: email.trim(), password }),
    onSuccess: (session) => {
      client.setQueryData(queries.session.queryKey, session)
      router.history.push(safe(next))
    },
  })
  return (
    <main className="mx-auto w-full max-w-[360px] px-5 pt-[16vh]">
      <div className="mb-6 flex items-center gap-2 font-semibold">
        <Mark />
        MegaRouter
      </div>
      <h1>Sign in{setup?.organisation ? ` to ${setup.organisation.name}` : ''}</h1>
      {next && <p className="mt-1 text-fg-2">Your session ended. You return to where you were.</p>}
      <form
        noValidate
        className="mt-5 grid gap-3.5"
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate()
        }}
      >
        <TextField
          label="Email"
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <TextField
          label="Password"
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <FormError>{signIn.error?.message}</FormError>
        <Button type="submit" look="primary" disabled={signIn.isPending || !email || !password}>
          {signIn.isPending ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
    </main>
  )
}
