/** Surfaces: panels touch hairlines, not shadows; key figures are one band, never separate cards. */
import type { ReactNode } from 'react'
import { split } from '../format.ts'

export const Panel = ({ className = '', children, label }: { className?: string; children: ReactNode; label?: string }) => (
  <section aria-label={label} className={`min-w-0 rounded-3 border border-line bg-surface ${className}`}>
    {children}
  </section>
)
export const PanelHead = ({ title, note, children, line }: { title: ReactNode; note?: ReactNode; children?: ReactNode; line?: boolean }) => (
  <div className={`flex min-h-[42px] flex-wrap items-center gap-x-2 gap-y-1 px-3.5 pt-2.5 pb-2 ${line ? 'border-b border-line' : ''}`}>
    <h2>{title}</h2>
    {note && <span className="text-12 text-fg-3">{note}</span>}
    {children && <div className="ml-auto flex items-center gap-2">{children}</div>}
  </div>
)
export const PageHead = ({ title, note, children }: { title: ReactNode; note?: ReactNode; children?: ReactNode }) => (
  <div className="mb-3.5 flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2">
    <h1>{title}</h1>
    {note && <span className="text-12 text-fg-3">{note}</span>}
    {children && <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>}
  </div>
)

const columns: Record<number, string> = { 4: 'lg:grid-cols-4', 5: 'lg:grid-cols-5', 6: 'lg:grid-cols-3 xl:grid-cols-6' }
/** Dividers are the band's own ground seen through one-pixel gaps, so that any number of columns works. */
export const Band = ({ count, label, children }: { count: number; label: string; children: ReactNode }) => (
  <section aria-label={label} className={`grid grid-cols-2 gap-px overflow-hidden rounded-3 border border-line bg-line md:grid-cols-3 ${columns[count] ?? ''}`}>
    {children}
  </section>
)
export function Figure({
  label,
  value,
  note,
  tone = '',
  hint,
  children,
  small,
}: {
  label: ReactNode
  value: string
  note?: ReactNode
  tone?: string
  hint?: string | undefined
  children?: ReactNode
  small?: boolean
}) {
  const [number, unit] = split(value)
  return (
    <div className="min-w-0 bg-surface px-3.5 pt-[11px] pb-2.5 max-lg:last:odd:col-span-2" title={hint}>
      <div className="truncate text-12 text-fg-2">{label}</div>
      <div className={`num font-semibold tracking-[-0.02em] whitespace-nowrap ${small ? 'mt-px text-20' : 'mt-[3px] text-24 max-md:text-20'} ${tone}`}>
        {number}
        {unit && <small className="ml-1 text-13 font-medium tracking-normal text-fg-3">{unit}</small>}
      </div>
      <div className="num mt-[3px] flex min-h-4 items-center gap-1.5 overflow-hidden text-12 whitespace-nowrap text-fg-3">{note}</div>
      {children}
    </div>
  )
}
