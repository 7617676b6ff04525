/** What a vendor wants beside a key: a credential of several parts, sent as JSON with their names, and the places in its address. Secret parts are masked. */
import type { Vendor } from '../api-types.ts'
import { Field, Select, TextField } from './field.tsx'

export type Texts = Readonly<Record<string, string>>

/** `form`: one of the vendor's; empty: one text. */
export interface TypedCredential {
  form: string
  text: string
  parts: Texts
}
export const noCredential: TypedCredential = { form: '', text: '', parts: {} }

const formOf = (vendor: Vendor, { form }: TypedCredential) => vendor.forms.find(({ name }) => name === form)

/** As the API takes it; empty while a part is missing. */
export function secretOf(vendor: Vendor, typed: TypedCredential): string {
  const form = formOf(vendor, typed)
  if (!form) return typed.text.trim()
  const given = form.parts.map(({ name, optional }) => ({ name, optional, text: typed.parts[name]?.trim() ?? '' }))
  if (given.some(({ text, optional }) => !text && !optional)) return ''
  return JSON.stringify(Object.fromEntries(given.filter(({ text }) => text).map(({ name, text }) => [name, text])))
}

/** The address with its places filled in; empty while one is missing. */
export function placedUrl(vendor: Vendor, places: Texts): string {
  const value = (name: string) => places[name]?.trim() ?? ''
  if (vendor.places.length === 0 || vendor.places.some(({ name }) => !value(name))) return ''
  const other = vendor.placed_urls.find(({ when }) => Object.entries(when).every(([name, wanted]) => value(name) === wanted))
  return vendor.places.reduce((url, { name }) => url.replaceAll(`{${name}}`, value(name)), other?.base_url ?? vendor.base_url ?? '')
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const secretField = { type: 'password', autoComplete: 'off', spellCheck: false } as const

interface Props {
  vendor: Vendor
  label: string
  typed: TypedCredential
  onType: (typed: TypedCredential) => void
}

export function CredentialFields({ vendor, label, typed, onType }: Props) {
  const form = formOf(vendor, typed)
  return (
    <div className="grid content-start gap-4">
      {vendor.forms.length > 0 && (
        <Field label="Kind of credential">
          {(described) => (
            <Select {...described} value={form?.name ?? ''} onChange={(event) => onType({ ...typed, form: event.target.value })}>
              <option value="">Key, token or JSON</option>
              {vendor.forms.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      {form ? (
        form.parts.map(({ name, what, secret, optional }) => (
          <TextField
            key={name}
            label={capital(what)}
            {...(optional ? { optional } : {})}
            {...(secret ? secretField : { autoComplete: 'off', spellCheck: false })}
            value={typed.parts[name] ?? ''}
            onChange={(event) => onType({ ...typed, parts: { ...typed.parts, [name]: event.target.value } })}
            help={secret ? 'Stored encrypted, never shown again.' : undefined}
          />
        ))
      ) : (
        <TextField
          label={vendor.credential ?? label}
          {...secretField}
          {...(vendor.self_hosted ? { optional: true } : {})}
          value={typed.text}
          onChange={(event) => onType({ ...typed, text: event.target.value })}
          help="Stored encrypted, never shown again."
        />
      )}
    </div>
  )
}

const labelOf = (what: string) => what.split(',')[0] ?? what

export function PlaceFields({ vendor, places, onType }: { vendor: Vendor; places: Texts; onType: (places: Texts) => void }) {
  return vendor.places.map(({ name, what }) => (
    <TextField key={name} label={capital(labelOf(what))} help={capital(what.slice(labelOf(what).length + 2)) || undefined} value={places[name] ?? ''} onChange={(event) => onType({ ...places, [name]: event.target.value })} />
  ))
}
