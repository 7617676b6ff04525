/** Adding a vendor's credential, which is tried before it is saved; typed values are kept when the vendor refuses, and may be saved all the same. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, api } from '../api.ts'
import type { CredentialCheck, Provider, ProviderTest, Vendor } from '../api-types.ts'
import { duration } from '../format.ts'
import { changed, queries } from '../queries.ts'
import { Button, link } from './button.tsx'
import { CredentialFields, noCredential, PlaceFields, placedUrl, secretOf, type Texts } from './credential-fields.tsx'
import { Field, FormError, Select, TextField } from './field.tsx'
import { Dot, type Tone } from './pill.tsx'

const checkTones = {
  accepted: ['ok', 'text-ok-fg'],
  unchecked: ['warn', 'text-warn-fg'],
  refused: ['bad', 'text-bad-fg'],
} as const satisfies Record<CredentialCheck['state'], readonly [Tone, string]>

/** What the vendor said, in its own words where it has some. */
export function TestResult({ result }: { result: Pick<CredentialCheck, 'state' | 'message'> & { latency_ms?: number } }) {
  const [tone, text] = checkTones[result.state]
  return (
    <p role="status" className="flex items-start gap-2">
      <span className="flex h-5 items-center">
        <Dot tone={tone} />
      </span>
      <span className={`min-w-0 wrap-anywhere ${text}`}>
        {result.message} {result.latency_ms !== undefined && <span className="num text-fg-3">{duration(result.latency_ms)}</span>}
      </span>
    </p>
  )
}

/** Only where the vendor refused a key that was just typed: nothing is saved yet. */
export const SaveAnyway = ({ error, disabled, onSave }: { error: Error | null; disabled: boolean; onSave: () => void }) =>
  error instanceof ApiError && error.code === 'credential_refused' ? (
    <Button disabled={disabled} onClick={onSave}>
      Save it all the same
    </Button>
  ) : null

/** Adds the provider, or a further credential to one that is on: either is tried before it is saved. */
async function connect(vendor: Vendor, existing: Provider | undefined, { secret, baseUrl, force }: Typed): Promise<Pick<ProviderTest, 'state' | 'message'>> {
  const saved = existing
    ? secret
      ? await api.addCredential(existing.id, { secret, force })
      : existing
    : await api.createProvider({ vendor: vendor.id, force, ...(secret ? { credential: secret } : {}), ...(baseUrl ? { base_url: baseUrl } : {}) })
  const check = secret ? saved.credentials.findLast((credential) => credential.managed_by === 'api')?.check : null
  const result = check ?? (await api.testProvider(saved.id))
  await changed('providers', 'vendors', 'models', 'setup', 'status')
  return result
}
interface Typed {
  secret: string
  baseUrl: string
  force: boolean
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
  const [typed, setTyped] = useState(noCredential)
  const [places, setPlaces] = useState<Texts>({})
  const [baseUrl, setBaseUrl] = useState('')
  const choices = vendors.data?.data.filter((vendor) => !vendor.simulated) ?? []
  const vendor = choices.find((choice) => choice.id === vendorId) ?? choices.find((choice) => choice.state === 'off') ?? choices[0]
  const secret = vendor ? secretOf(vendor, typed) : ''
  const existing = providers.data?.data.find((provider) => provider.id === vendor?.id)
  const add = useMutation({
    mutationFn: (force: boolean) =>
      vendor ? connect(vendor, existing, { secret, baseUrl: placedUrl(vendor, places) || baseUrl.trim(), force }) : Promise.reject(new Error('Choose a vendor first.')),
    onSuccess: ({ state }) => {
      setTyped(noCredential)
      if (state === 'accepted') onDone?.()
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
        add.mutate(false)
      }}
    >
      <div className="grid gap-4 md:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <VendorField
          vendor={vendor}
          choices={choices}
          onPick={(id) => {
            setVendorId(id)
            setTyped(noCredential)
            add.reset()
          }}
        />
        <CredentialFields vendor={vendor} label={existing ? 'Another API key' : 'API key'} typed={typed} onType={setTyped} />
      </div>
      {!existing && <PlaceFields vendor={vendor} places={places} onType={setPlaces} />}
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
      {add.data && <TestResult result={add.data} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" disabled={add.isPending || (!secret && !vendor.self_hosted)}>
          {add.isPending ? 'Testing…' : 'Add and test'}
        </Button>
        <SaveAnyway error={add.error} disabled={add.isPending} onSave={() => add.mutate(true)} />
      </div>
    </form>
  )
}
