/** Copying confirms in place, not by a toast. A secret is shown once, in its own box. */
import { Check, Copy } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button, TextButton } from './button.tsx'
import { Pill } from './pill.tsx'

function useCopy(text: string): [boolean, () => void] {
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setCopied(false), 1600)
  }
  return [copied, () => void copy().catch(() => setCopied(false))]
}

export function CopyButton({ text, label = 'Copy', look, iconOnly }: { text: string; label?: string; look?: 'ghost' | 'plain'; iconOnly?: boolean }) {
  const [copied, copy] = useCopy(text)
  const Icon = copied ? Check : Copy
  return (
    <Button size="s" look={look ?? 'plain'} onClick={copy} aria-label={iconOnly ? label : undefined}>
      <Icon className="size-3.5" aria-hidden />
      {!iconOnly && <span aria-live="polite">{copied ? 'Copied' : label}</span>}
    </Button>
  )
}
export function CopyText({ text, children }: { text: string; children: ReactNode }) {
  const [copied, copy] = useCopy(text)
  return (
    <TextButton onClick={copy} title={text}>
      <span aria-live="polite">{copied ? 'Copied' : children}</span>
    </TextButton>
  )
}

export const SecretBox = ({ secret, title }: { secret: string; title: string }) => (
  <section aria-label={title} className="grid gap-2 rounded-3 border border-line-2 bg-surface px-3.5 py-[11px]">
    <div className="flex flex-wrap items-center gap-2">
      <span className="font-medium">{title}</span>
      <Pill tone="warn">shown once</Pill>
      <span className="ml-auto text-12 text-fg-3 max-md:hidden">stored only as a keyed hash</span>
    </div>
    <div className="flex items-center gap-2 rounded-2 border border-line bg-sunken py-[5px] pr-1.5 pl-[11px]">
      <code data-testid="secret" className="min-w-0 flex-1 text-12 wrap-anywhere">
        {secret}
      </code>
      <CopyButton text={secret} />
    </div>
    <div className="flex flex-wrap items-center gap-1.5 text-12 text-fg-2">
      <span>or in your shell</span>
      <code className="mono">
        export MEGAROUTER_KEY={secret.slice(0, 7)}…{secret.slice(-4)}
      </code>
      <CopyText text={`export MEGAROUTER_KEY=${secret}`}>Copy line</CopyText>
    </div>
  </section>
)
