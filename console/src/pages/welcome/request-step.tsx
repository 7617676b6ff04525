/** Step 4: snippets with the reader's real address, and a listener that also shows failed tries with the exact reason. Success opens its request. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Send } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { Key, RequestRow } from '../../api-types.ts'
import { streamChat } from '../../chat.ts'
import { clockTime, duration, money } from '../../format.ts'
import { useRequestEvents } from '../../live.ts'
import { queries, useZone } from '../../queries.ts'
import type { Client } from '../../snippets.ts'
import { Button, link, TextButton } from '../../ui/button.tsx'
import { CodeTabs } from '../../ui/code.tsx'
import { SecretBox } from '../../ui/copy.tsx'
import { FormError } from '../../ui/field.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { outcomeTone, Pill } from '../../ui/pill.tsx'
import { Lead } from './lead.tsx'

/** A model that works now: the first alias, else a chat model of a provider that is on. */
function useModel(): string | null {
  const aliases = useQuery(queries.aliases)
  const models = useQuery(queries.available)
  const chat = models.data?.data.filter((model) => model.kind === 'chat') ?? []
  const known = ['gpt-5-mini', 'gpt-4o-mini', 'mistral-small', 'llama-3.3-70b', 'deepseek-chat']
  return aliases.data?.data[0]?.name ?? known.find((name) => chat.some((model) => model.id === name)) ?? chat[0]?.id ?? null
}

function Row({ row, zone }: { row: RequestRow; zone: string }) {
  const good = row.outcome === 'success'
  return (
    <li className="appear grid grid-cols-[70px_68px_minmax(0,1fr)] items-start border-b border-line px-3.5 py-2.5 max-md:grid-cols-[70px_minmax(0,1fr)]">
      <span className="num text-12 leading-5 text-fg-3">{clockTime(row.at, zone)}</span>
      <span>
        <Pill tone={outcomeTone[row.outcome]}>{row.status}</Pill>
      </span>
      <div className="min-w-0 max-md:col-span-2 max-md:mt-1.5">
        {good ? (
          <div className="font-medium">
            {row.model ?? row.model_asked} answered, {row.flags.includes('unpriced') ? 'unpriced' : money(row.cost_nano)}
          </div>
        ) : (
          <div className="font-medium">{row.error_text ?? `The request ended as ${row.outcome}.`}</div>
        )}
        <div className="num text-12 text-fg-2">
          {good ? (
            `${duration(row.total_ms)} in all${row.first_token_ms === null ? '' : `, first token after ${duration(row.first_token_ms)}`}. Opening it…`
          ) : (
            <>
              <code className="mono">{row.error_code}</code>{' '}
              <Link to="/requests/$id" params={{ id: row.id }} className={link}>
                Open
              </Link>
            </>
          )}
        </div>
      </div>
    </li>
  )
}

/** Tries of this key, and tries that no key could be found for: a key that was cut off belongs to nobody. */
function useTries(keyId: string): RequestRow[] {
  const navigate = useNavigate()
  const [rows, setRows] = useState<RequestRow[]>([])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  useRequestEvents((row) => {
    if (row.key !== null && row.key.id !== keyId) return
    setRows((old) => (old.some((other) => other.id === row.id) ? old : [...old, row].slice(-5)))
    if (row.outcome === 'success' && row.key) timer.current = setTimeout(() => void navigate({ to: '/requests/$id', params: { id: row.id } }), 1_400)
  })
  return rows
}

/** One request over the data plane, as any client would send it; the text appears as it streams. */
function useFirstSend(secret: string | null, model: string | null) {
  const [text, setText] = useState('')
  const send = useMutation({
    mutationFn: async () => {
      setText('')
      const onText = (more: string): void => setText((old) => old + more)
      const end = await streamChat({ key: secret ?? '', model: model ?? '', system: '', prompt: 'Say hello', signal: new AbortController().signal, onText })
      if (end.kind !== 'done') throw new Error(end.message ?? 'The answer was cut off.')
    },
  })
  return { text, send }
}

const NothingArrives = ({ baseUrl }: { baseUrl: string }) => (
  <ul className="grid list-disc gap-1 border-t border-line py-3 pr-3.5 pl-8 text-12 text-fg-2">
    <li>
      The base URL ends in <code className="mono">/v1</code>: <code className="mono">{baseUrl}/v1</code>. An SDK adds the rest of the path.
    </li>
    <li>
      The key starts with <code className="mono">mr-</code> and stands where the provider’s key stood.
    </li>
    <li>
      From another machine, MegaRouter has to listen on more than loopback: start it with <code className="mono">HOST=0.0.0.0</code>.
    </li>
  </ul>
)
const Waiting = ({ text, streaming }: { text: string; streaming: boolean }) => (
  <div className="ghosted grid grid-cols-[70px_68px_minmax(0,1fr)] items-start border-b border-line px-3.5 py-2.5">
    <span className="text-12 leading-5 text-fg-3">now</span>
    <span>
      <Pill>waiting</Pill>
    </span>
    {text ? (
      <span className="whitespace-pre-wrap">
        {text}
        {streaming && <i className="blink ml-0.5 inline-block h-[15px] w-[7px] bg-accent align-[-2px]" aria-hidden />}
      </span>
    ) : (
      <span className="text-fg-2">The next request appears here with its model, route, time and cost.</span>
    )}
  </div>
)

function Listener({ keyRow, secret, baseUrl, model }: { keyRow: Key; secret: string | null; baseUrl: string; model: string | null }) {
  const zone = useZone()
  const rows = useTries(keyRow.id)
  const { text, send } = useFirstSend(secret, model)
  const [help, setHelp] = useState(false)
  const title = (
    <span className="flex items-center gap-3">
      <i className="size-[9px] rounded-full bg-accent shadow-[0_0_0_4px_var(--accent-bg)]" aria-hidden />
      <span>
        Listening for key <code className="mono">{keyRow.name}</code>
      </span>
    </span>
  )
  return (
    <Panel label="Incoming requests">
      <PanelHead line title={title}>
        <span className="num text-12 text-fg-3 max-md:hidden">{baseUrl}</span>
      </PanelHead>
      <ul aria-live="polite">
        {rows.map((row) => (
          <Row key={row.id} row={row} zone={zone} />
        ))}
      </ul>
      <Waiting text={text} streaming={send.isPending} />
      <div className="flex flex-wrap items-center gap-2.5 px-3.5 py-2.5">
        <Button disabled={!secret || !model || send.isPending} onClick={() => send.mutate()}>
          <Send className="size-3.5" aria-hidden />
          {send.isPending ? 'Sending…' : 'Send one from here'}
        </Button>
        <span className="text-12 text-fg-3">
          {model ? (
            <>
              model <code className="mono">{model}</code>
            </>
          ) : (
            'No model is available yet.'
          )}
        </span>
        <TextButton className="ml-auto text-12" aria-expanded={help} onClick={() => setHelp(!help)}>
          Nothing arrives?
        </TextButton>
        <FormError>{send.error?.message}</FormError>
      </div>
      {help && <NothingArrives baseUrl={baseUrl} />}
    </Panel>
  )
}

export function RequestStep({ keyRow, secret, onNewKey }: { keyRow: Key; secret: string | null; onNewKey: () => void }) {
  const { data: setup } = useQuery(queries.setup)
  const [client, setClient] = useState<Client>('Python')
  const model = useModel()
  const baseUrl = setup?.base_url ?? location.origin
  return (
    <>
      <Lead title="Send your first request">Change the base URL and the key of what you already use. Nothing else changes.</Lead>
      <div className="grid gap-3.5">
        {secret ? (
          <SecretBox title="Your key" secret={secret} />
        ) : (
          <Panel className="px-3.5 py-3">
            Key <code className="mono">{keyRow.name}</code> was shown once and is not stored. Use the copy that you took, or{' '}
            <TextButton onClick={onNewKey}>create another key</TextButton>.
          </Panel>
        )}
        <CodeTabs call={{ baseUrl, model: model ?? 'MODEL', prompt: 'Say hello' }} value={client} onChange={setClient} />
        <Listener keyRow={keyRow} secret={secret} baseUrl={baseUrl} model={model} />
      </div>
      <div className="mt-4 flex flex-wrap items-center gap-2">
        <Link to="/" className={link}>
          Go to the console
        </Link>
        <span className="text-12 text-fg-3">You can come back under Settings, Getting started.</span>
      </div>
    </>
  )
}
