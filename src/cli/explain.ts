/** `megarouter route explain`: which model the running server would choose for a prompt, and why. Nothing is sent to a vendor. A file that cannot be read, or a request that would be refused, is told in one line. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CommandError, count, dollars, table, whole, type Io, type Output } from './io.ts'
import { asking } from './organisation.ts'

interface Options { prompt?: string; file?: string; policy?: string; key?: string; tools?: boolean; images?: boolean; maxOutput?: string; session?: string }

interface Candidate { model: string; domain: string; available: boolean; quality: number; deviation: number; cost_nano: number; latency_ms: number; score: number; chance: number }
interface Explained {
  policy: string | null
  model: string | null
  decision: { summary: string; candidates: Candidate[]; fallbacks: string[]; baseline: { model: string; cost_nano: number }; saving_nano: number; understood: { tasks: { task: string; weight: number }[]; language: string } } | null
  removed: { reason: string; models: string[]; more: number }[]
  refused: { code: string; message: string } | null
}

const mostNamed = 6
function named(models: readonly string[], more: number): string {
  const others = Math.max(0, models.length - mostNamed) + more
  return `${models.slice(0, mostNamed).join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

export function explainRoute(command: Command, io: Io, output: () => Output): void {
  asking(command, 'explain', 'which model auto would choose for a prompt, and why; nothing is sent', io, output)
    .option('--prompt <text>', 'what is asked').option('--file <file>', 'a file with it, or with a whole request of /v1/chat/completions as JSON').option('--policy <name>', 'routing policy (default: that of the key or of its team, else balanced)')
    .option('--key <id>', 'as a request of this key (default: of the organisation)').option('--tools', 'the request brings tools').option('--images', 'the request brings an image').option('--max-output <tokens>', 'tokens of output that it allows').option('--session <name>', 'the session that it belongs to')
    .run<Options>(async (admin, show, options) => {
      const explained = await admin.call<Explained>('POST', '/routing/explain', { ...await asked(options), ...(options.policy !== undefined && { policy: options.policy }), ...(options.key !== undefined && { key_id: options.key }) })
      show(explained, () => lines(explained))
    })
}

async function asked({ prompt, file, tools, images, maxOutput, session }: Options): Promise<Record<string, unknown>> {
  if ((prompt === undefined) === (file === undefined)) throw new CommandError('name either --prompt or --file')
  const text = prompt ?? await readFile(file!, 'utf8').catch((error: Error) => { throw new CommandError(`${file} cannot be read: ${error.message}`) })
  const more = { ...(tools && { tools }), ...(images && { images }), ...(maxOutput !== undefined && { max_output_tokens: whole('--max-output')(maxOutput) }), ...(session !== undefined && { session }) }
  const request = file === undefined ? null : requestIn(text)
  return request === null ? { prompt: text, ...more } : { body: request, ...more }
}

/** Null: the file is a prompt. */
function requestIn(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return null
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    return Array.isArray(value['messages']) ? value : null
  } catch {
    return null
  }
}

function lines({ model, decision, removed, refused }: Explained): string[] {
  const gone = removed.map(({ reason, models, more }) => `  ${reason.replaceAll('_', ' ')}: ${named(models, more)}`)
  const left = gone.length === 0 ? [] : ['', 'Removed:', ...gone]
  if (decision === null || refused !== null) return [`Refused (${refused?.code ?? 'unknown'}): ${refused?.message ?? ''}`, ...left]
  const { summary, candidates, fallbacks, baseline, saving_nano: saving, understood } = decision
  return [
    summary, `Looks like: ${understood.tasks.map(({ task, weight }) => `${task.replaceAll('_', ' ')} ${percent(weight)}`).join(', ')}; language ${understood.language}`, '',
    ...table(candidates, [
      { title: '', value: (each) => (each.model === model ? '→' : '') }, { title: 'MODEL', value: (each) => each.model }, { title: 'AT', value: (each) => each.domain },
      { title: 'QUALITY', value: ({ quality, deviation }) => `${quality.toFixed(3)} ± ${deviation.toFixed(3)}`, right: true }, { title: 'COST', value: (each) => about(each.cost_nano), right: true },
      { title: 'TIME', value: (each) => `${count(Math.round(each.latency_ms))} ms`, right: true }, { title: 'SCORE', value: (each) => each.score.toFixed(4), right: true }, { title: 'TRIED', value: (each) => (each.chance === 0 ? '–' : percent(each.chance)), right: true }, { title: '', value: (each) => (each.available ? '' : 'on trial') },
    ], 'No candidates.'),
    ...left, '', ...(fallbacks.length === 0 ? [] : [`If it fails: ${fallbacks.join(', ')}.`]), `The best quality (${baseline.model}) is predicted to cost ${about(baseline.cost_nano)}${saving === 0 ? '' : saving < 0 ? `: ${about(-saving)} less` : `: ${about(saving)} more`}.`,
  ]
}

/** No prediction is more exact. */
const about = (nano: number): string => dollars(Number(nano.toPrecision(3)))
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
