/** Providers: where the models come from, with their credentials, a test against the real thing, and what failed in the last day. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { FlaskConical, Lock, Plus } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api.ts'
import type { Provider } from '../../api-types.ts'
import { ago, type Clock, count, percent, plural } from '../../format.ts'
import { changed, queries, useClock } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { type Columns, Declared, Head, Monogram, right, td } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { Dialog, Sheet } from '../../ui/dialog.tsx'
import { FormError, Switch } from '../../ui/field.tsx'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { Pill, SimulatedPill } from '../../ui/pill.tsx'
import { ProviderForm, TestResult } from '../../ui/provider-form.tsx'
import { Empty, Load } from '../../ui/state.tsx'
import { Credentials } from './credentials.tsx'
import { OwnList } from './own-list.tsx'

const refresh = () => changed('providers', 'vendors', 'models', 'setup', 'status')
const source = (provider: Provider): string => ({ api: 'added here', file: 'megarouter.yaml', environment: 'environment' })[provider.managed_by]

function ProviderState({ provider }: { provider: Provider }) {
  if (!provider.enabled) return <Pill>Off</Pill>
  if (provider.simulated) return <SimulatedPill />
  if (provider.credentials.some((credential) => credential.check?.state === 'refused')) return <Pill tone="bad">Key refused</Pill>
  const rate = provider.requests_24h ? provider.failures_24h / provider.requests_24h : 0
  return provider.failures_24h >= 5 && rate >= 0.01 ? <Pill tone={rate >= 0.2 ? 'bad' : 'warn'}>{percent(rate)} fail</Pill> : <Pill tone="ok">On</Pill>
}

function Row({ provider, clock, onOpen }: { provider: Provider; clock: Clock; onOpen: () => void }) {
  return (
    <tr className="group/row cursor-pointer" onClick={onOpen}>
      <th scope="row" className={`${td} truncate text-left font-medium`}>
        <button type="button" aria-haspopup="dialog" className="inline-flex max-w-full items-center gap-2 rounded-1 align-middle" onClick={onOpen}>
          <Monogram of={provider.name} />
          <span className="truncate">{provider.name}</span>
        </button>
        {provider.managed_by !== 'api' && <Lock className="ml-1.5 inline size-3 text-fg-3" aria-label={`declared in the ${source(provider)}`} />}
      </th>
      <td className={`${td} mono truncate text-12 text-fg-2 max-lg:hidden`}>{provider.base_url}</td>
      <td className={`${td} text-fg-2 max-md:hidden`}>
        {provider.credentials.length === 0 ? 'no key needed' : provider.credentials.map((credential) => `…${credential.last4}`).join(', ')}
      </td>
      <td className={`${td} ${right} max-md:hidden`}>{count(provider.models_count)}</td>
      <td className={`${td} ${right}`}>{count(provider.requests_24h)}</td>
      <td className={`${td} num text-fg-2 max-lg:hidden`}>{provider.last_success_at ? ago(provider.last_success_at, clock) : 'none yet'}</td>
      <td className={td}>
        <ProviderState provider={provider} />
      </td>
    </tr>
  )
}

function Remove({ provider, onClose, onDone }: { provider: Provider; onClose: () => void; onDone: () => void }) {
  const remove = useMutation({
    mutationFn: () => api.deleteProvider(provider.id),
    onSuccess: async () => {
      await refresh()
      onDone()
    },
  })
  const used =
    provider.requests_24h === 0
      ? 'No attempt used it in 24 h.'
      : `${plural(provider.requests_24h, 'attempt')} used it in 24 h; later ones go to other deployments, or are refused where there is none.`
  const footer = (
    <>
      <Button onClick={onClose}>Keep provider</Button>
      <Button type="submit" look="danger" disabled={remove.isPending}>
        Remove provider
      </Button>
    </>
  )
  return (
    <Dialog title={`Remove ${provider.name}?`} onClose={onClose} onSubmit={() => remove.mutate()} footer={footer}>
      <p className="text-fg-2">{used} Its stored keys are deleted. Usage is kept.</p>
      <FormError>{remove.error?.message}</FormError>
    </Dialog>
  )
}

const Figures = ({ provider, clock }: { provider: Provider; clock: Clock }) => (
  <dl className="num grid grid-cols-2 gap-3 text-12">
    <div>
      <dt className="text-fg-3">Last success</dt>
      <dd>{provider.last_success_at ? ago(provider.last_success_at, clock) : 'none yet'}</dd>
    </div>
    <div>
      <dt className="text-fg-3">Models</dt>
      <dd>{count(provider.models_count)}</dd>
    </div>
    <div>
      <dt className="text-fg-3">Attempts, 24 h</dt>
      <dd>{count(provider.requests_24h)}</dd>
    </div>
    <div>
      <dt className="text-fg-3">Failed, 24 h</dt>
      <dd>
        {count(provider.failures_24h)}
        {provider.requests_24h > 0 && `, ${percent(provider.failures_24h / provider.requests_24h)}`}
      </dd>
    </div>
  </dl>
)

function ProviderSheet({ provider, clock, onClose }: { provider: Provider; clock: Clock; onClose: () => void }) {
  const [removing, setRemoving] = useState(false)
  const test = useMutation({ mutationFn: () => api.testProvider(provider.id), onSuccess: () => changed('providers') })
  const toggle = useMutation({ mutationFn: (enabled: boolean) => api.updateProvider(provider.id, { enabled }, provider.version), onSettled: refresh })
  const readOnly = provider.managed_by !== 'api'
  if (removing) return <Remove provider={provider} onClose={() => setRemoving(false)} onDone={onClose} />
  const footer = (
    <>
      <Button look="primary" disabled={test.isPending} onClick={() => test.mutate()}>
        {test.isPending ? 'Testing…' : 'Test'}
      </Button>
      <Link to="/requests" search={{ vendor: provider.vendor }} className={button()}>
        Its requests
      </Link>
      <Link to="/models" search={{ vendor: provider.vendor }} className={button()}>
        Its models
      </Link>
      {!readOnly && (
        <Button look="ghost" className="ml-auto text-bad-fg" onClick={() => setRemoving(true)}>
          Remove…
        </Button>
      )}
    </>
  )
  return (
    <Sheet title={provider.name} note={<code className="mono">{provider.base_url}</code>} onClose={onClose} footer={footer}>
      <div className="grid gap-5">
        {(test.data || test.error) && (
          <div>
            {test.data && <TestResult result={test.data} />}
            <FormError>{test.error?.message}</FormError>
          </div>
        )}
        {provider.simulated && (
          <p className="flex items-start gap-2 rounded-2 bg-warn-bg px-3 py-2 text-warn-fg">
            <FlaskConical className="mt-0.5 size-3.5 flex-none" aria-hidden />
            Simulated: answers, prices and delays are invented. It goes when a real provider is on.
          </p>
        )}
        {readOnly && !provider.simulated && <Declared by={`the ${source(provider)}`} />}
        <Figures provider={provider} clock={clock} />
        <Switch
          label="On"
          help="Off: no request is sent to it; running streams end normally."
          checked={provider.enabled}
          disabled={readOnly || toggle.isPending}
          onChange={(on) => toggle.mutate(on)}
        />
        <FormError>{toggle.error?.message}</FormError>
        <Credentials provider={provider} />
        {provider.models && <OwnList provider={provider} summary={provider.models} clock={clock} />}
      </div>
    </Sheet>
  )
}

function AddProvider({ onClose, simulated }: { onClose: () => void; simulated: boolean }) {
  const use = useMutation({
    mutationFn: () => api.createProvider({ vendor: 'simulated' }),
    onSuccess: async () => {
      await refresh()
      onClose()
    },
  })
  return (
    <Sheet
      title="Add a provider"
      note="The key is tried against the vendor before it is saved."
      onClose={onClose}
      footer={<Button onClick={onClose}>Done</Button>}
    >
      <ProviderForm />
      {!simulated && (
        <div className="mt-6 border-t border-line pt-4">
          <p className="mb-2 text-fg-2">No key at hand? The simulated provider invents answers with real streaming and prices, and says so on every page.</p>
          <Button disabled={use.isPending} onClick={() => use.mutate()}>
            <FlaskConical className="size-3.5" aria-hidden />
            Use the simulated provider
          </Button>
          <FormError>{use.error?.message}</FormError>
        </div>
      )}
    </Sheet>
  )
}
const columns: Columns = [
  ['Provider', ''],
  ['Base URL', 'w-[26%] max-lg:hidden'],
  ['Keys', 'w-[130px] max-md:hidden'],
  ['Models', `w-[84px] ${right} max-md:hidden`],
  ['Attempts, 24 h', `w-[118px] ${right}`],
  ['Last success', 'w-[118px] max-lg:hidden'],
  ['State', 'w-[116px]'],
]

export function Providers() {
  const navigate = useNavigate()
  const search: { provider?: string; add?: string } = useSearch({ from: '/app/providers' })
  const clock = useClock()
  const providers = useQuery(queries.providers)
  const show = (next: { provider?: string; add?: string }) => void navigate({ to: '/providers', search: next, resetScroll: false })
  const chosen = providers.data?.data.find((provider) => provider.id === search.provider)
  return (
    <Page title="Providers" wide>
      <PageHead title="Providers" note={providers.data && `${providers.data.data.filter((provider) => provider.enabled).length} on`}>
        <Button look="primary" onClick={() => show({ add: 'true' })}>
          <Plus className="size-3.5" aria-hidden />
          Add provider
        </Button>
      </PageHead>
      <Panel>
        <Load of={providers} rows={6}>
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="No provider is on" action={<Button onClick={() => show({ add: 'true' })}>Add provider</Button>}>
                Set a vendor’s standard variable, such as <code className="mono">OPENAI_API_KEY</code>, and start again, or add a key here.
              </Empty>
            ) : (
              <table className="table-fixed">
                <Head columns={columns} />
                <tbody>
                  {data.map((provider) => (
                    <Row key={provider.id} provider={provider} clock={clock} onOpen={() => show({ provider: provider.id })} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Load>
      </Panel>
      {chosen && <ProviderSheet key={chosen.id} provider={chosen} clock={clock} onClose={() => show({})} />}
      {search.add && <AddProvider simulated={providers.data?.data.some((provider) => provider.simulated) ?? false} onClose={() => show({})} />}
    </Page>
  )
}
