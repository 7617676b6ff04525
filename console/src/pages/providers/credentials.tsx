/** A provider's credentials: what the vendor said of each when it was last tried, and adding another, which is tried before it is saved. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api.ts'
import type { Credential, Provider } from '../../api-types.ts'
import { changed, queries } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { CredentialFields, noCredential, secretOf } from '../../ui/credential-fields.tsx'
import { FormError, TextField } from '../../ui/field.tsx'
import { Pill, type Tone } from '../../ui/pill.tsx'
import { SaveAnyway } from '../../ui/provider-form.tsx'

const words: Record<NonNullable<Credential['check']>['state'], [string, Tone]> = { accepted: ['Works', 'ok'], refused: ['Refused', 'bad'], unchecked: ['Not checked', 'warn'] }
const refresh = () => changed('providers', 'vendors', 'models', 'setup', 'status')

function Row({ credential, busy, onRemove }: { credential: Credential; busy: boolean; onRemove: () => void }) {
  const { check } = credential
  const [word, tone] = check ? words[check.state] : ['Not tried yet', 'idle' as const]
  return (
    <li className="grid gap-1 border-t border-line px-3 py-2 first:border-t-0">
      <div className="flex min-h-6 flex-wrap items-center gap-2">
        <span>
          ends in <code className="mono">{credential.last4}</code>
        </span>
        {credential.name && <span className="text-fg-3">{credential.name}</span>}
        <Pill tone={tone}>{word}</Pill>
        {credential.managed_by === 'api' ? (
          <span className="ml-auto">
            <Button look="ghost" size="s" disabled={busy} aria-label={`Remove the key ending ${credential.last4}`} onClick={onRemove}>
              <Trash2 className="size-3.5" aria-hidden />
              Remove
            </Button>
          </span>
        ) : (
          <span className="ml-auto text-12 text-fg-3">from the {credential.managed_by}</span>
        )}
      </div>
      {check && check.state !== 'accepted' && <p className={`text-12 wrap-anywhere ${check.state === 'refused' ? 'text-bad-fg' : 'text-fg-2'}`}>{check.message}</p>}
    </li>
  )
}

export function Credentials({ provider }: { provider: Provider }) {
  const [typed, setTyped] = useState(noCredential)
  const vendor = useQuery(queries.vendors).data?.data.find(({ id }) => id === provider.vendor)
  const hasForms = vendor !== undefined && vendor.forms.length > 0
  const secret = hasForms ? secretOf(vendor, typed) : typed.text.trim()
  const add = useMutation({
    mutationFn: (force: boolean) => api.addCredential(provider.id, { secret, force }),
    onSuccess: () => {
      setTyped(noCredential)
      return refresh()
    },
  })
  const remove = useMutation({ mutationFn: (id: string) => api.deleteCredential(provider.id, id), onSuccess: refresh })
  return (
    <section className="grid gap-2">
      <h3 className="font-semibold">Credentials</h3>
      <ul className="rounded-3 border border-line">
        {provider.credentials.map((credential) => (
          <Row key={credential.id} credential={credential} busy={remove.isPending} onRemove={() => remove.mutate(credential.id)} />
        ))}
        {provider.credentials.length === 0 && (
          <li className="px-3 py-2.5 text-fg-2">None. {provider.simulated ? 'The simulated provider needs no key.' : 'Requests are sent without a key.'}</li>
        )}
      </ul>
      {!provider.simulated && (
        <form
          noValidate
          className={hasForms ? 'grid justify-items-start gap-3' : 'flex items-end gap-2'}
          onSubmit={(event) => {
            event.preventDefault()
            add.mutate(false)
          }}
        >
          {hasForms ? (
            <CredentialFields vendor={vendor} label="Another key" typed={typed} onType={setTyped} />
          ) : (
            <TextField
              className="flex-1"
              label="Another key"
              type="password"
              autoComplete="off"
              value={typed.text}
              onChange={(event) => setTyped({ ...noCredential, text: event.target.value })}
              help="Tried before it is saved; several share the load."
            />
          )}
          <Button type="submit" className={hasForms ? '' : 'mb-5'} disabled={!secret || add.isPending}>
            {add.isPending ? 'Testing…' : 'Add key'}
          </Button>
        </form>
      )}
      <FormError>{add.error?.message ?? remove.error?.message}</FormError>
      <div className="empty:hidden">
        <SaveAnyway error={add.error} disabled={add.isPending || !secret} onSave={() => add.mutate(true)} />
      </div>
    </section>
  )
}
