/** Step 2: providers found in the environment are already on; others are added with a credential; without any there is the simulated one. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { ChevronDown, FlaskConical } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api.ts'
import type { Provider } from '../../api-types.ts'
import { plural } from '../../format.ts'
import { changed, queries } from '../../queries.ts'
import { Monogram } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { FormError } from '../../ui/field.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Dot, Pill, SimulatedPill } from '../../ui/pill.tsx'
import { ProviderForm, TestResult } from '../../ui/provider-form.tsx'
import { Load } from '../../ui/state.tsx'
import { Lead } from './lead.tsx'

function ProviderRow({ provider }: { provider: Provider }) {
  const test = useMutation({ mutationFn: () => api.testProvider(provider.id) })
  return (
    <li className="grid gap-1 border-t border-line px-3.5 py-2.5">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Dot tone={provider.enabled ? 'ok' : 'idle'} />
        <Monogram of={provider.name} />
        <span className="font-medium">{provider.name}</span>
        {provider.simulated && <SimulatedPill />}
        {provider.managed_by === 'environment' && !provider.simulated && <Pill>from the environment</Pill>}
        {provider.managed_by === 'file' && <Pill>from megarouter.yaml</Pill>}
        <span className="num text-12 text-fg-3">
          {plural(provider.models_count, 'model')}
          {provider.credentials[0] && (
            <>
              , key ending <code className="mono">{provider.credentials[0].last4}</code>
            </>
          )}
        </span>
        <span className="ml-auto">
          <Button size="s" disabled={test.isPending} onClick={() => test.mutate()}>
            {test.isPending ? 'Testing…' : 'Test'}
          </Button>
        </span>
      </div>
      {test.data && <TestResult result={test.data} />}
      <FormError>{test.error?.message}</FormError>
    </li>
  )
}

function Simulated() {
  const use = useMutation({
    mutationFn: () => api.createProvider({ vendor: 'simulated' }),
    onSuccess: () => changed('providers', 'vendors', 'models', 'setup', 'status'),
  })
  return (
    <Panel className="mb-3.5 flex flex-wrap items-center gap-x-4 gap-y-2 px-3.5 py-3">
      <FlaskConical className="size-4 flex-none text-warn" aria-hidden />
      <div className="min-w-0 flex-1 basis-[280px]">
        <div className="font-medium">No key at hand? Use the simulated provider</div>
        <p className="text-12 text-fg-2">
          Invented answers with real streaming, prices and delays. Nothing leaves this machine, and every page says that it is simulated.
        </p>
      </div>
      <Button look="primary" disabled={use.isPending} onClick={() => use.mutate()}>
        {use.isPending ? 'Turning on…' : 'Use the simulated provider'}
      </Button>
      <FormError>{use.error?.message}</FormError>
    </Panel>
  )
}

export function ProvidersStep({ onDone }: { onDone: () => void }) {
  const providers = useQuery(queries.providers)
  const [adding, setAdding] = useState(false)
  return (
    <>
      <Lead title="Connect your providers">Keys found in the environment are on already. You can add others now or at any time later.</Lead>
      <Load of={providers}>
        {({ data }) => {
          const on = data.filter((provider) => provider.enabled)
          const real = on.filter((provider) => !provider.simulated)
          const open = adding || real.length === 0
          return (
            <>
              {on.length === 0 && <Simulated />}
              <Panel className="mb-3.5 overflow-hidden">
                <PanelHead
                  title={on.length ? 'Providers that are on' : 'Add a provider'}
                  note={
                    on.length === 0
                      ? 'its key is tested at once'
                      : real.length === 0
                        ? 'only the simulated one: answers and prices are invented'
                        : `${on.length} of them`
                  }
                />
                <ul>
                  {on.map((provider) => (
                    <ProviderRow key={provider.id} provider={provider} />
                  ))}
                </ul>
                <div className="border-t border-line px-3.5 py-3">
                  {open ? (
                    <ProviderForm />
                  ) : (
                    <Button onClick={() => setAdding(true)}>
                      <ChevronDown className="size-3.5" aria-hidden />
                      Add another provider
                    </Button>
                  )}
                </div>
              </Panel>
              <div className="flex flex-wrap items-center gap-3">
                <Button look={on.length ? 'primary' : 'plain'} disabled={on.length === 0} onClick={onDone}>
                  {on.length > 0 && real.length === 0 ? 'Continue with the simulated provider' : 'Continue'}
                </Button>
                {on.length === 0 && <span className="text-12 text-fg-3">One provider is needed to send a request.</span>}
              </div>
            </>
          )
        }}
      </Load>
    </>
  )
}
