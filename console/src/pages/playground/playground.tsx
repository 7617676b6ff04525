/** Which one is better, at what price? One prompt, one to four models, run as a chosen key under its real limits. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { CodeXml, Play, Plus, Square } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { api } from '../../api.ts'
import { money } from '../../format.ts'
import { queries } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import type { Client } from '../../snippets.ts'
import { Kbd } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { CodeTabs } from '../../ui/code.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { ChipSelect, FormError } from '../../ui/field.tsx'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { Empty } from '../../ui/state.tsx'
import { ColumnView } from './column.tsx'
import { marks, useColumns } from './run.ts'

const draftName = 'playground'
interface Draft {
  system: string
  prompt: string
  temperature: string
  maxTokens: string
}
function savedDraft(): Draft {
  const empty: Draft = { system: '', prompt: '', temperature: '', maxTokens: '' }
  try {
    return { ...empty, ...(JSON.parse(sessionStorage.getItem(draftName) ?? '{}') as Partial<Draft>) }
  } catch {
    return empty
  }
}

/** A credential that acts as the key for ten minutes; asked for again shortly before it ends. */
function useToken() {
  const held = useRef<{ key: string; token: string; until: number } | null>(null)
  return async (key: string): Promise<string> => {
    if (held.current?.key === key && held.current.until > Date.now() + 60_000) return held.current.token
    const { token, expires_at } = await api.playgroundToken(key)
    held.current = { key, token, until: Date.parse(expires_at) }
    return token
  }
}
function useChoices() {
  const keys = useQuery(queries.keys)
  const aliases = useQuery(queries.aliases)
  const models = useQuery(queries.available)
  return {
    ready: keys.isSuccess && models.isSuccess && aliases.isSuccess,
    keys: keys.data?.data.filter((key) => key.status === 'active') ?? [],
    models: [
      ...(aliases.data?.data.map((alias) => alias.name) ?? []),
      ...(models.data?.data.filter((model) => model.kind === 'chat').map((model) => model.id) ?? []),
    ],
  }
}

const area = 'block w-full resize-none bg-transparent text-14 outline-none field-sizing-content max-md:text-16'
function Composer({
  draft,
  onDraft,
  running,
  onRun,
  onStop,
  spent,
  disabled,
}: {
  draft: Draft
  onDraft: (draft: Draft) => void
  running: boolean
  onRun: () => void
  onStop: () => void
  spent: number | null
  disabled: boolean
}) {
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus(), [])
  return (
    <Panel label="Prompt" className="focus-within:border-control shadow-lift">
      <label className="flex items-baseline gap-3 border-b border-line px-3.5 py-2">
        <span className="w-14 flex-none text-12 font-medium text-fg-2">System</span>
        <textarea
          rows={1}
          className={`${area} max-h-40 text-13`}
          placeholder="How the model should behave, if it should"
          value={draft.system}
          onChange={(event) => onDraft({ ...draft, system: event.target.value })}
        />
      </label>
      <label className="flex items-baseline gap-3 px-3.5 pt-2.5">
        <span className="w-14 flex-none text-12 font-medium text-fg-2">Prompt</span>
        <textarea
          ref={field}
          rows={2}
          className={`${area} max-h-72`}
          placeholder="Ask all models the same"
          value={draft.prompt}
          onChange={(event) => onDraft({ ...draft, prompt: event.target.value })}
        />
      </label>
      <div className="flex flex-wrap items-center gap-1.5 px-3.5 py-2.5">
        <label className="inline-flex h-7 items-center rounded-2 border border-line-2 text-12 max-md:h-9">
          <span className="px-2 text-fg-2">Temperature</span>
          <input
            inputMode="decimal"
            className="num h-full w-14 rounded-r-2 border-l border-line bg-surface px-2 font-medium"
            placeholder="auto"
            value={draft.temperature}
            onChange={(event) => onDraft({ ...draft, temperature: event.target.value })}
          />
        </label>
        <label className="inline-flex h-7 items-center rounded-2 border border-line-2 text-12 max-md:h-9">
          <span className="px-2 text-fg-2">Longest output</span>
          <input
            inputMode="numeric"
            className="num h-full w-16 rounded-r-2 border-l border-line bg-surface px-2 font-medium"
            placeholder="auto"
            value={draft.maxTokens}
            onChange={(event) => onDraft({ ...draft, maxTokens: event.target.value })}
          />
        </label>
        <span className="ml-auto flex items-center gap-3">
          {spent !== null && (
            <span className="num text-12 text-fg-2">
              This run <b className="font-semibold text-fg">{money(spent)}</b>
            </span>
          )}
          {running && (
            <Button onClick={onStop}>
              <Square className="size-3.5" aria-hidden />
              Stop all{' '}
              <span className="max-md:hidden">
                <Kbd>Esc</Kbd>
              </span>
            </Button>
          )}
          <Button look="primary" disabled={disabled || !draft.prompt.trim()} onClick={onRun}>
            <Play className="size-3.5" aria-hidden />
            Run{' '}
            <span aria-hidden className="opacity-75 max-md:hidden">
              ⌘↵
            </span>
          </Button>
        </span>
      </div>
    </Panel>
  )
}

const grids = ['', 'md:grid-cols-1', 'md:grid-cols-2', 'md:grid-cols-2 xl:grid-cols-3', 'md:grid-cols-2 xl:grid-cols-4']
function Board({
  keys,
  models,
  initial,
  keyId,
}: {
  keys: { id: string; name: string }[]
  models: string[]
  initial: string[]
  keyId: string
}) {
  const navigate = useNavigate()
  const setup = useQuery(queries.setup)
  const [draft, setDraft] = useState(savedDraft)
  const [code, setCode] = useState(false)
  const [client, setClient] = useState<Client>('Python')
  const { columns, start, stop, setModel, add, remove } = useColumns(initial)
  const tokenFor = useToken()
  const running = columns.some((column) => column.run.state === 'waiting' || column.run.state === 'streaming')
  const run = useMutation({
    mutationFn: async () => {
      const token = await tokenFor(keyId)
      const [temperature, maxTokens] = [Number.parseFloat(draft.temperature), Number.parseInt(draft.maxTokens, 10)]
      const order = {
        token,
        system: draft.system,
        prompt: draft.prompt,
        temperature: Number.isFinite(temperature) ? temperature : undefined,
        maxTokens: maxTokens > 0 ? maxTokens : undefined,
      }
      for (const column of columns) if (column.model) void start(column.id, column.model, order)
    },
  })
  const chosen = columns.map((column) => column.model).join(',')
  useEffect(() => {
    sessionStorage.setItem(draftName, JSON.stringify(draft))
  }, [draft])
  useEffect(() => {
    void navigate({ to: '/playground', search: { ...(chosen ? { models: chosen } : {}), key: keyId }, replace: true, resetScroll: false })
  }, [chosen, keyId, navigate])
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if ((event.metaKey || event.ctrlKey) && event.key === 'Enter' && draft.prompt.trim()) {
        event.preventDefault()
        run.mutate()
      }
      if (event.key === 'Escape' && running && !document.querySelector('dialog[open]')) stop()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  })
  const compared = marks(columns)
  const costs = columns.map((column) => column.run.end?.costUsd).filter((cost) => cost != null)
  const spare = models.find((model) => !columns.some((column) => column.model === model)) ?? models[0] ?? ''
  return (
    <>
      <PageHead title="Playground">
        <ChipSelect
          label="Runs as key"
          value={keyId}
          onChange={(event) =>
            void navigate({ to: '/playground', search: { ...(chosen ? { models: chosen } : {}), key: event.target.value }, replace: true })
          }
        >
          {keys.map((key) => (
            <option key={key.id} value={key.id}>
              {key.name}
            </option>
          ))}
        </ChipSelect>
        <Button disabled={columns.length >= 4} onClick={() => add(spare)}>
          <Plus className="size-3.5" aria-hidden />
          Add model
        </Button>
        <Button onClick={() => setCode(true)}>
          <CodeXml className="size-3.5" aria-hidden />
          Code
        </Button>
      </PageHead>
      <Composer
        draft={draft}
        onDraft={setDraft}
        running={running}
        onRun={() => run.mutate()}
        onStop={() => stop()}
        spent={costs.length ? Math.round(costs.reduce((sum, cost) => sum + cost, 0) * 1e9) : null}
        disabled={run.isPending}
      />
      <div className="mt-2">
        <FormError>{run.error?.message}</FormError>
      </div>
      <div
        className={`mt-3 grid gap-3 max-md:scrollbar-none max-md:-mx-3 max-md:snap-x max-md:snap-mandatory max-md:auto-cols-[88%] max-md:grid-flow-col max-md:overflow-x-auto max-md:px-3 ${grids[columns.length]}`}
      >
        {columns.map((column) => (
          <ColumnView
            key={column.id}
            column={column}
            marks={compared.get(column.id)}
            options={models}
            removable={columns.length > 1}
            onModel={(model) => setModel(column.id, model)}
            onStop={() => stop(column.id)}
            onRemove={() => remove(column.id)}
          />
        ))}
      </div>
      {code && (
        <Sheet title="Code for this run" note="With the key from your environment." onClose={() => setCode(false)}>
          <CodeTabs
            value={client}
            onChange={setClient}
            call={{
              baseUrl: setup.data?.base_url ?? location.origin,
              model: columns[0]?.model || 'MODEL',
              prompt: draft.prompt || 'Say hello',
              system: draft.system,
            }}
          />
        </Sheet>
      )}
    </>
  )
}

export function Playground() {
  const search: { models?: string; key?: string } = useSearch({ from: '/app/playground' })
  const { ready, keys, models } = useChoices()
  const [initial] = useState(() => search.models?.split(',').filter(Boolean).slice(0, 4) ?? [])
  const key = keys.find((candidate) => candidate.id === search.key) ?? keys[0]
  return (
    <Page title="Playground" wide>
      {!ready ? (
        <PageHead title="Playground" />
      ) : !key || models.length === 0 ? (
        <>
          <PageHead title="Playground" />
          <Panel>
            {models.length === 0 ? (
              <Empty
                title="No chat model is available"
                action={
                  <Link to="/providers" search={{ add: 'true' }} className={button({ look: 'primary' })}>
                    Add a provider
                  </Link>
                }
              >
                The playground sends real requests; it needs a provider that is on, or the simulated one.
              </Empty>
            ) : (
              <Empty
                title="There is no active key"
                action={
                  <Link to="/keys" search={{ key: 'new' }} className={button({ look: 'primary' })}>
                    Create key
                  </Link>
                }
              >
                The playground runs as a key, under its real budget and limits.
              </Empty>
            )}
          </Panel>
        </>
      ) : (
        <Board keys={keys} models={models} initial={initial.length ? initial : models.slice(0, 1)} keyId={key.id} />
      )}
    </Page>
  )
}
