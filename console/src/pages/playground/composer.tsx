/** What is asked: system text, prompt, and the few numbers that matter; empty numbers are left to the model. */
import { Play, Square } from 'lucide-react'
import { type ComponentProps, useEffect, useRef } from 'react'
import { money } from '../../format.ts'
import { Kbd } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { Panel } from '../../ui/panel.tsx'

export interface Draft {
  system: string
  prompt: string
  temperature: string
  maxTokens: string
}
interface Props {
  draft: Draft
  onDraft: (draft: Draft) => void
  running: boolean
  onRun: () => void
  onStop: () => void
  spent: number | null
  disabled: boolean
}

const area = 'block w-full resize-none bg-transparent text-14 outline-none field-sizing-content max-md:text-16'
const Text = ({ label, ...rest }: ComponentProps<'textarea'> & { label: string }) => (
  <label className="flex items-baseline gap-3 px-3.5 py-2 first:border-b first:border-line">
    <span className="w-14 flex-none text-12 font-medium text-fg-2">{label}</span>
    <textarea {...rest} />
  </label>
)
const Amount = ({ label, ...rest }: ComponentProps<'input'> & { label: string }) => (
  <label className="inline-flex h-7 items-center rounded-2 border border-line-2 text-12 max-md:h-9">
    <span className="px-2 text-fg-2">{label}</span>
    <input className="num h-full w-16 rounded-r-2 border-l border-line bg-surface px-2 font-medium" placeholder="auto" {...rest} />
  </label>
)

export function Composer({ draft, onDraft, running, onRun, onStop, spent, disabled }: Props) {
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus(), [])
  const set = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => onDraft({ ...draft, [name]: event.target.value }),
  })
  return (
    <Panel label="Prompt" className="focus-within:border-control shadow-lift">
      <Text label="System" rows={1} className={`${area} max-h-40 text-13`} placeholder="How the model should behave, if it should" {...set('system')} />
      <Text label="Prompt" ref={field} rows={2} className={`${area} max-h-72`} placeholder="Ask all models the same" {...set('prompt')} />
      <div className="flex flex-wrap items-center gap-1.5 px-3.5 pt-0.5 pb-2.5">
        <Amount label="Temperature" inputMode="decimal" {...set('temperature')} />
        <Amount label="Longest output" inputMode="numeric" {...set('maxTokens')} />
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
