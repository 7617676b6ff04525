/** Small parts that many pages share: model names, segmented switches, shares and keyboard keys. */
import type { ReactNode } from 'react'

/** Monogram and name of a model; the vendor is muted. No remote logos. */
export const ModelName = ({ vendor, name, full }: { vendor: string | null | undefined; name: string; full?: boolean }) => (
  <span
    className="inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle whitespace-nowrap"
    title={vendor ? `${vendor}/${name}` : name}
  >
    <Monogram of={vendor ?? name} />
    <span className="truncate">
      {full && vendor && <span className="text-fg-3">{vendor}/</span>}
      {name}
    </span>
  </span>
)
export const Monogram = ({ of }: { of: string }) => (
  <span
    aria-hidden
    className="inline-grid size-4 flex-none place-items-center rounded-1 bg-idle text-[9px] leading-none font-semibold text-idle-fg"
  >
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
    <i
      className="absolute inset-y-0 left-0 rounded-full"
      style={{ width: `${Math.min(100, value * 100)}%`, background: value > 1 ? 'var(--bad)' : color }}
    />
  </span>
)
export const Swatch = ({ color }: { color: string }) => (
  <i className="inline-block size-2 flex-none rounded-[2px]" style={{ background: color }} />
)
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
