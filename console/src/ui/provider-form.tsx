/** Adding a vendor's credential and testing it against the real thing; typed values are kept when the vendor refuses. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api.ts'
import type { Provider, ProviderTest, Vendor } from '../api-types.ts'
import { duration } from '../format.ts'
import { changed, queries } from '../queries.ts'
import { Button, link } from './button.tsx'
import { Field, FormError, Select, TextField } from './field.tsx'
import { Dot } from './pill.tsx'

export const TestResult = ({ result }: { result: ProviderTest }) => (
  <p role="status" className="flex items-start gap-2">
    <span className="flex h-5 items-center">
      <Dot tone={result.ok ? 'ok' : 'bad'} />
    </span>
    <span className={result.ok ? 'text-ok-fg' : 'text-bad-fg'}>
      {result.message} <span className="num text-fg-3">{duration(result.latency_ms)}</span>
    </span>
  </p>
)

/** Adds the provider (or a further credential to one that is on), then calls it. */
async function connect(vendor: Vendor, existing: Provider | undefined, secret: string, baseUrl: string): Promise<{ provider: string; test: ProviderTest }> {
  if (existing) {
    if (secret) await api.addCredential(existing.id, { secret })
  } else {
    await api.createProvider({ vendor: vendor.id, ...(secret ? { credential: secret } : {}), ...(baseUrl ? { base_url: baseUrl } : {}) })
  }
  const provider = existing?.id ?? vendor.id
  const test = await api.testProvider(provider)
  await changed('providers', 'vendors', 'models', 'setup', 'status')
  return { provider, test }
}

function VendorField({ vendor, choices, onPick }: { vendor: Vendor; choices: Vendor[]; onPick: (id: string) => void }) {
  const docs = (
    <a href={vendor.docs} target="_blank" rel="noreferrer" className={link}>
      Vendor’s docs
    </a>
  )
  const help = vendor.env[0] ? (
    <>
      <code className="mono">{vendor.env[0]}</code> in the environment does the same. {docs}
    </>
  ) : (
    docs
  )
  return (
    <Field label="Vendor" help={help}>
      {(described) => (
        <Select {...described} value={vendor.id} onChange={(event) => onPick(event.target.value)}>
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.state === 'on' ? `${choice.name}, on` : choice.name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  )
}

export function ProviderForm({ onDone }: { onDone?: () => void }) {
  const vendors = useQuery(queries.vendors)
  const providers = useQuery(queries.providers)
  const [vendorId, setVendorId] = useState('')
  const [secret, setSecret] = useState('')
  const [baseUrl, setBaseUrl] = useState('')
  const choices = vendors.data?.data.filter((vendor) => !vendor.simulated) ?? []
  const vendor = choices.find((choice) => choice.id === vendorId) ?? choices.find((choice) => choice.state === 'off') ?? choices[0]
  const existing = providers.data?.data.find((provider) => provider.id === vendor?.id)
  const add = useMutation({
    mutationFn: () => (vendor ? connect(vendor, existing, secret.trim(), baseUrl.trim()) : Promise.reject(new Error('Choose a vendor first.'))),
    onSuccess: ({ test }) => {
      if (test.ok) {
        setSecret('')
        onDone?.()
      }
    },
  })
  if (!vendor) return null
  const needsUrl = vendor.base_url === null
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        add.mutate()
      }}
    >
      <div className="grid gap-4 md:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <VendorField
          vendor={vendor}
          choices={choices}
          onPick={(id) => {
            setVendorId(id)
            add.reset()
          }}
        />
        <TextField
          label={existing ? 'Another API key' : 'API key'}
          type="password"
          autoComplete="off"
          spellCheck={false}
          {...(vendor.self_hosted ? { optional: true } : {})}
          value={secret}
          onChange={(event) => setSecret(event.target.value)}
          help="Stored encrypted, never shown again."
        />
      </div>
      {!existing && (needsUrl || vendor.self_hosted) && (
        <TextField
          label="Base URL"
          value={baseUrl}
          placeholder="http://10.0.0.12:8000/v1"
          onChange={(event) => setBaseUrl(event.target.value)}
          help={`Addresses of this machine and private networks come from the environment only: ${vendor.base_url_env}.`}
        />
      )}
      <FormError>{add.error?.message}</FormError>
      {add.data && <TestResult result={add.data.test} />}
      <div>
        <Button type="submit" disabled={add.isPending || (!secret.trim() && !vendor.self_hosted)}>
          {add.isPending ? 'Testing…' : 'Add and test'}
        </Button>
      </div>
    </form>
  )
}
