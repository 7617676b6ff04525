/** Small parts that many pages share: model names, segmented switches, shares and keyboard keys. */
import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'

/** Monogram and name of a model; the vendor is muted. No remote logos. */
export const ModelName = ({ vendor, name, full }: { vendor: string | null | undefined; name: string; full?: boolean }) => (
  <span className="inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle whitespace-nowrap" title={vendor ? `${vendor}/${name}` : name}>
    <Monogram of={vendor ?? name} />
    <span className="truncate">
      {full && vendor && <span className="text-fg-3">{vendor}/</span>}
      {name}
    </span>
  </span>
)
export const Monogram = ({ of }: { of: string }) => (
  <span aria-hidden className="inline-grid size-4 flex-none place-items-center rounded-1 bg-idle text-[9px] leading-none font-semibold text-idle-fg">
    {of.slice(0, 1).toUpperCase()}
  </span>
)

export function Segmented<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: T
  options: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}) {
  return (
    <div role="group" aria-label={label} className="inline-flex gap-px rounded-2 border border-line-2 bg-surface p-0.5 shadow-lift">
      {options.map(([id, text]) => (
        <button
          key={id}
          type="button"
          aria-pressed={id === value}
          onClick={() => onChange(id)}
          className="h-6 rounded-1 px-[9px] text-12 font-medium whitespace-nowrap text-fg-2 hover:text-fg aria-pressed:bg-idle aria-pressed:text-fg max-md:h-8"
        >
          {text}
        </button>
      ))}
    </div>
  )
}
/** A share of 1 as a bar; more than 1 is full and red. */
export const Share = ({ value, color = 'var(--c1)' }: { value: number; color?: string }) => (
  <span className="relative block h-1.5 min-w-6 overflow-hidden rounded-full bg-idle">
    <i className="absolute inset-y-0 left-0 rounded-full" style={{ width: `${Math.min(100, value * 100)}%`, background: value > 1 ? 'var(--bad)' : color }} />
  </span>
)
export const Swatch = ({ color }: { color: string }) => <i className="inline-block size-2 flex-none rounded-[2px]" style={{ background: color }} />
export const Kbd = ({ children }: { children: ReactNode }) => (
  <kbd className="inline-block min-w-[18px] rounded-1 border border-line-2 bg-surface px-1 text-center font-sans whitespace-nowrap text-11 font-medium text-fg-3">
    {children}
  </kbd>
)

export const th =
  'border-b border-line bg-surface px-2.5 py-[7px] text-left text-12 font-medium whitespace-nowrap text-fg-3 first:rounded-tl-3 first:pl-3.5 last:rounded-tr-3 last:pr-3.5'
export const td =
  'h-[34px] border-b border-line px-2.5 whitespace-nowrap first:pl-3.5 last:pr-3.5 group-last/row:border-b-0 group-hover/row:bg-hover max-md:h-11'
export const right = 'text-right num'

export type Columns = readonly (readonly [name: string, className: string])[]
/** The sticky header of a page's main table. */
export const Head = ({ columns, className: all = '' }: { columns: Columns; className?: string }) => (
  <thead>
    <tr aria-rowindex={1}>
      {columns.map(([name, className]) => (
        <th key={name} scope="col" className={`${th} sticky top-12 z-[2] ${all} ${className}`}>
          {name}
        </th>
      ))}
    </tr>
  </thead>
)
/** What the file or the environment declares is changed there. */
export const Declared = ({ by, children }: { by: string; children?: ReactNode }) => (
  <p className="flex items-center gap-2 rounded-2 bg-sunken px-3 py-2 text-fg-2">
    <Lock className="size-3.5 flex-none" aria-hidden />
    Declared in {by}. Change it there{children}.
  </p>
)
/** A line of a definition list. */
export const Fact = ({ name, children, className = '' }: { name: string; children: ReactNode; className?: string }) => (
  <div className={`grid grid-cols-[112px_minmax(0,1fr)] gap-2 text-12 leading-[18px] ${className || 'py-[3.5px]'}`}>
    <dt className="text-fg-3">{name}</dt>
    <dd className="min-w-0 wrap-anywhere">{children}</dd>
  </div>
)
