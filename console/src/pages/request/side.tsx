/** Beside the timeline: cost by token class to six decimals, details, and content if a policy stores it. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../../api.ts'
import type { Attempt, RequestDetail } from '../../api-types.ts'
import { bytes, clip, countExact, moneyExact, price } from '../../format.ts'
import { queries } from '../../queries.ts'
import { Fact } from '../../ui/bits.tsx'
import { Button, link } from '../../ui/button.tsx'
import { CopyText } from '../../ui/copy.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Pill, Tag } from '../../ui/pill.tsx'
import { Failure } from '../../ui/state.tsx'
import { attemptName, wasBilled } from './verdict.ts'

const classNames: Record<string, string> = {
  input: 'Input, fresh',
  cacheRead: 'Input, cache read',
  cacheWrite5m: 'Cache write, 5 min',
  cacheWrite1h: 'Cache write, 1 h',
  output: 'Output',
  reasoning: 'Reasoning',
  audioIn: 'Audio in',
  audioOut: 'Audio out',
  imageIn: 'Image in',
  imageOut: 'Image out',
  toolCalls: 'Tool calls',
  requests: 'Requests',
  images: 'Images',
  audioMs: 'Audio, ms',
  characters: 'Characters spoken',
  searches: 'Searches',
}
/** The API writes classes in either case: `cacheRead`, `cache_read`. */
const className = (name: string): string => classNames[name] ?? classNames[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())] ?? name

interface Line {
  key: string
  name: string
  note: string
  cost: number | null
}
/** What the vendor charges by class, less what the gateway pays of it. */
function classLines({ number, cost_by_class: classes, ledger }: Attempt): Line[] {
  const lines: Line[] = classes
    .filter((entry) => entry.cost_nano > 0 || !/^(requests|toolCalls|tool_calls)$/.test(entry.class))
    .map((entry) => ({
      key: `${number}-${entry.class}`,
      name: className(entry.class),
      note: `${countExact(entry.units)} × ${price(entry.price_nano_per_million)} / M`,
      cost: entry.cost_nano,
    }))
  if (ledger && ledger.overhead_nano > 0)
    lines.push({
      key: `${number}-overhead`,
      name: 'Paid by the gateway',
      note: ledger.kind === 'void' ? `attempt ${number} brought the caller nothing` : 'above what a strict budget had reserved',
      cost: -ledger.overhead_nano,
    })
  return lines
}

const cell = 'border-t border-line px-3.5 py-1.5 text-12 leading-[17px]'
export function CostPanel({ request }: { request: RequestDetail }) {
  const unpriced = request.flags.includes('unpriced')
  const lines = request.attempts.flatMap((attempt): Line[] =>
    attempt.cost_by_class.length
      ? classLines(attempt)
      : [
          {
            key: `${attempt.number}`,
            name: request.attempts.length > 1 ? `Attempt ${attempt.number}, ${attempt.provider ?? attemptName(attempt)}` : attemptName(attempt),
            note: unpriced ? 'no price is known' : attempt.cost_nano > 0 ? `${wasBilled(attempt)}; cannot be broken down by class` : wasBilled(attempt),
            cost: unpriced ? null : attempt.cost_nano,
          },
        ],
  )
  const shown = lines.reduce((sum, line) => sum + (line.cost ?? 0), 0)
  const version = request.attempts.find((attempt) => attempt.price_version)?.price_version
  return (
    <Panel label="Cost by token class" className="overflow-hidden">
      <PanelHead title="Cost by token class" />
      <table>
        <thead className="sr-only">
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.key}>
              <th scope="row" className={`${cell} text-left font-normal`}>
                {line.name}
                <span className="num block text-11 text-fg-3">{line.note}</span>
              </th>
              <td className={`${cell} num text-right whitespace-nowrap`}>{line.cost === null ? 'unpriced' : moneyExact(line.cost)}</td>
            </tr>
          ))}
          {lines.length === 0 && (
            <tr>
              <td className={`${cell} text-fg-2`} colSpan={2}>
                Nothing was sent, so nothing was due.
              </td>
            </tr>
          )}
          <tr className="font-semibold">
            <th scope="row" className={`${cell} bg-sunken text-left`}>
              Settled
            </th>
            <td className={`${cell} num bg-sunken text-right`}>{unpriced ? 'unpriced' : moneyExact(request.cost_nano)}</td>
          </tr>
        </tbody>
      </table>
      <div className="border-t border-line px-3.5 pt-2 pb-[11px] text-12 text-fg-3">
        {version ? <>Prices of {version}</> : 'No price applies'}
        {!unpriced && Math.round(shown / 1000) !== Math.round(request.cost_nano / 1000) && '. Rounded up once per attempt'}
        {request.flags.includes('estimated') && '. Usage was not reported: it is our estimate'}
        {request.flags.includes('uncertain') && '. It is unknown whether the vendor billed it'}
        {request.simulated && '. Simulated: nobody is billed'}
      </div>
    </Panel>
  )
}

const Caller = ({ request }: { request: RequestDetail }) => (
  <>
    {request.client && (
      <Fact name="Client">
        <span className="block truncate" title={request.client}>
          {request.client}
        </span>
      </Fact>
    )}
    {request.client_address && <Fact name="Address">{request.client_address}</Fact>}
    {request.client_request_id && (
      <Fact name="Client’s id">
        <span className="mono">{request.client_request_id}</span>
      </Fact>
    )}
  </>
)

export function Details({ request }: { request: RequestDetail }) {
  const several = request.attempts.length > 1
  return (
    <Panel label="Details">
      <PanelHead title="Details" />
      <dl className="px-3.5 pb-3.5">
        <Fact name="Key">
          {request.key ? (
            <Link to="/keys" search={{ key: request.key.id }} className={link}>
              {request.key.name ?? request.key.id}
            </Link>
          ) : (
            'unknown'
          )}
        </Fact>
        <Fact name="Model asked for">
          <span className="mono">{request.model_asked ?? '–'}</span>
        </Fact>
        {request.route && <Fact name="Route">{request.route}</Fact>}
        {request.session && (
          <Fact name="Session">
            <Link to="/requests" search={{ search: request.session }} className={`${link} mono`}>
              {clip(request.session)}
            </Link>
          </Fact>
        )}
        {request.tags.length > 0 && (
          <Fact name="Tags">
            <span className="flex flex-wrap gap-1">
              {request.tags.map((tag) => (
                <Tag key={tag}>{tag}</Tag>
              ))}
            </span>
          </Fact>
        )}
        <Caller request={request} />
        {request.attempts.map(
          ({ number, upstream_request_id: id }) =>
            id && (
              <Fact key={number} name={several ? `Upstream ${number}` : 'Upstream id'}>
                <CopyText text={id}>
                  <span className="mono">{clip(id, 12, 6)}</span>
                </CopyText>
              </Fact>
            ),
        )}
        {request.trace_id && (
          <Fact name="Trace">
            <CopyText text={request.trace_id}>
              <span className="mono">{clip(request.trace_id)}</span>
            </CopyText>
          </Fact>
        )}
        <Fact name="Bytes">
          {bytes(request.request_bytes)} in, {bytes(request.response_bytes)} out
        </Fact>
        {request.error_code && (
          <Fact name="Code">
            <a href={`/api/docs#${request.error_code}`} className={`${link} mono`}>
              {request.error_code}
            </a>
          </Fact>
        )}
      </dl>
    </Panel>
  )
}

const pretty = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
export function Content({ request }: { request: RequestDetail }) {
  const settings = useQuery(queries.settings)
  const content = useMutation({ mutationFn: () => api.requestContent(request.id) })
  if (!request.content.stored) {
    return (
      <Panel label="Prompt and answer">
        <PanelHead title="Prompt and answer">
          <Pill>not stored</Pill>
        </PanelHead>
        <p className="px-3.5 pb-3.5 text-fg-2">
          {settings.data?.content.store ? 'Content is stored now, but was not when this request came.' : 'Storing content is off, so only sizes are kept.'} An
          owner can change it under{' '}
          <Link to="/settings" className={link}>
            Settings, Privacy
          </Link>
          ; it applies to new requests only.
        </p>
      </Panel>
    )
  }
  return (
    <Panel label="Prompt and answer">
      <PanelHead title="Prompt and answer" note="stored encrypted">
        {!content.data && (
          <Button size="s" disabled={content.isPending} onClick={() => content.mutate()}>
            Show content
          </Button>
        )}
      </PanelHead>
      {content.error && <Failure error={content.error} />}
      {content.data &&
        (['request', 'response'] as const).map((side) => (
          <div key={side} className="border-t border-line px-3.5 py-2.5">
            <div className="mb-1 text-12 font-medium text-fg-2">{side === 'request' ? 'Request' : 'Answer'}</div>
            <pre tabIndex={0} aria-label={side} className="max-h-[420px] overflow-auto text-12 leading-[19px] whitespace-pre-wrap">
              {pretty(content.data[side])}
            </pre>
          </div>
        ))}
    </Panel>
  )
}
