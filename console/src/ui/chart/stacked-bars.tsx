/** Parts of a sum per bucket. The unfinished bucket is hatched, later ones are empty, hover and arrow keys read one bucket, T shows the table. */
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'
import { right, Swatch, td, th } from '../bits.tsx'
import { scale, useWidth } from './width.ts'

export interface Bar {
  id: string
  label: string
  title: string
  partial: boolean
  values: number[]
}
export interface Series {
  name: string
  color: string
}
interface Props {
  bars: Bar[]
  series: Series[]
  height: number
  format: (value: number) => string
  tick: (value: number) => string
  summary: string
  onOpen: (bar: Bar) => void
}

const [left, bottom, top, edge] = [46, 22, 10, 4]
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)

function Column({ bar, x, width, y, series, hatch }: { bar: Bar; x: number; width: number; y: (value: number) => number; series: Series[]; hatch: string }) {
  let below = 0
  const total = sum(bar.values)
  return (
    <g>
      {bar.values.map((value, index) => {
        if (value <= 0) return null
        const [low, high] = [y(below), y(below + value)]
        below += value
        const gap = low - high > 2 && below < total ? 1 : 0
        return (
          <rect
            key={series[index]?.name}
            x={x}
            y={high + gap}
            width={width}
            height={Math.max(0.5, low - high - gap)}
            fill={series[index]?.color}
            rx={below === total ? 1.5 : 0}
          />
        )
      })}
      {bar.partial && total > 0 && <rect x={x} y={y(total)} width={width} height={y(0) - y(total)} fill={`url(#${hatch})`} />}
    </g>
  )
}

function Tip({ bar, series, format, at, width }: { bar: Bar; series: Series[]; format: (value: number) => string; at: number; width: number }) {
  const flip = at + 240 > width
  const rows = bar.values
    .map((value, index) => ({ value, series: series[index] }))
    .filter((row) => row.value > 0 && row.series)
    .reverse()
  return (
    <div
      className="pointer-events-none absolute top-2 z-10 min-w-[200px] rounded-3 bg-raised px-2.5 py-2 text-12 leading-[18px] shadow-float"
      style={flip ? { right: `${width - at + 14}px` } : { left: `${at + 14}px` }}
    >
      <div className="mb-1 font-semibold">
        {bar.title}
        {bar.partial && ', so far'}
      </div>
      {rows.map((row) => (
        <div key={row.series?.name} className="flex items-center gap-1.5">
          <Swatch color={row.series?.color ?? ''} />
          <span className="max-w-[180px] truncate">{row.series?.name}</span>
          <b className="num ml-auto pl-3.5 font-medium">{format(row.value)}</b>
        </div>
      ))}
      <div className="mt-1 flex border-t border-line pt-1 font-semibold">
        Total<span className="num ml-auto">{format(sum(bar.values))}</span>
      </div>
    </div>
  )
}

function Axis({
  width,
  height,
  max,
  ticks,
  y,
  tick,
}: {
  width: number
  height: number
  max: number
  ticks: number
  y: (value: number) => number
  tick: (value: number) => string
}): ReactNode {
  return Array.from({ length: ticks + 1 }, (_, index) => {
    const value = (max * index) / ticks
    const at = Math.round(y(value)) + 0.5
    return (
      <g key={index}>
        <line x1={left} x2={width - edge} y1={at} y2={at} stroke={index ? 'var(--grid)' : 'var(--line-2)'} />
        <text x={left - 8} y={Math.min(at + 4, height)} textAnchor="end" fill="var(--fg-3)">
          {tick(value)}
        </text>
      </g>
    )
  })
}

const DataTable = ({ bars, series, format }: Pick<Props, 'bars' | 'series' | 'format'>) => (
  <div className="max-h-[330px] overflow-auto" tabIndex={0} role="region" aria-label="The chart as a table">
    <table>
      <thead>
        <tr>
          <th scope="col" className={th}>
            Bucket
          </th>
          {series.map((one) => (
            <th key={one.name} scope="col" className={`${th} ${right}`}>
              {one.name}
            </th>
          ))}
          <th scope="col" className={`${th} ${right}`}>
            Total
          </th>
        </tr>
      </thead>
      <tbody>
        {bars
          .filter((bar) => sum(bar.values) > 0)
          .map((bar) => (
            <tr key={bar.id} className="group/row">
              <th scope="row" className={`${td} text-left font-normal`}>
                {bar.title}
              </th>
              {bar.values.map((value, index) => (
                <td key={series[index]?.name} className={`${td} ${right}`}>
                  {value ? format(value) : '–'}
                </td>
              ))}
              <td className={`${td} ${right} font-medium`}>{format(sum(bar.values))}</td>
            </tr>
          ))}
      </tbody>
    </table>
  </div>
)

interface PlotProps extends Pick<Props, 'bars' | 'series' | 'height' | 'tick' | 'summary'> {
  width: number
  step: number
  cursor: number | null
}
function Plot({ bars, series, height, width, step, cursor, tick, summary }: PlotProps) {
  const hatch = useId()
  const { top: max, ticks } = scale(Math.max(0, ...bars.map((bar) => sum(bar.values))))
  const gap = Math.max(1.5, Math.min(14, step * 0.22))
  const y = (value: number): number => top + (height - bottom - top) * (1 - value / max)
  const every = Math.max(1, Math.ceil(62 / step))
  const today = bars.findIndex((bar) => bar.partial)
  const labelled = (index: number): boolean => index === today || (index % every === 0 && (today < 0 || Math.abs(index - today) * step > 52))
  return (
    <svg width={width} height={height} role="img" aria-label={summary} className="num block text-11">
      <defs>
        <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="2.4" height="5" fill="var(--hatch)" />
        </pattern>
      </defs>
      <Axis {...{ width, height, max, ticks, y, tick }} />
      {cursor !== null && <rect x={left + cursor * step} y={top} width={step} height={height - bottom - top} fill="var(--fg)" opacity="0.06" />}
      {width > 0 &&
        bars.map((bar, index) => <Column key={bar.id} bar={bar} x={left + index * step + gap / 2} width={step - gap} y={y} series={series} hatch={hatch} />)}
      {bars.map(
        (bar, index) =>
          labelled(index) && (
            <text
              key={bar.id}
              x={left + (index + 0.5) * step}
              y={height - 5}
              textAnchor="middle"
              fill={index === today ? 'var(--fg)' : 'var(--fg-3)'}
              fontWeight={index === today ? 500 : 400}
            >
              {bar.label}
            </text>
          ),
      )}
    </svg>
  )
}

export function StackedBars({ bars, series, height, format, tick, summary, onOpen }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [cursor, setCursor] = useState<number | null>(null)
  const [table, setTable] = useState(false)
  const step = Math.max(1, width - left - edge) / Math.max(1, bars.length)
  const bar = cursor === null ? undefined : bars[cursor]
  const press = (event: KeyboardEvent): void => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (move) {
      event.preventDefault()
      setCursor((at) => Math.max(0, Math.min(bars.length - 1, (at ?? (move > 0 ? -1 : bars.length)) + move)))
    }
    if (event.key === 'Enter' && bar) onOpen(bar)
    if (event.key === 'Escape') setCursor(null)
    if (event.key.toLowerCase() === 't') setTable(!table)
  }
  return (
    <div
      ref={ref}
      className="relative"
      tabIndex={0}
      role="group"
      aria-label={`${summary} Arrow keys read single buckets, T shows a table.`}
      onKeyDown={press}
      onBlur={() => setCursor(null)}
      onPointerLeave={() => setCursor(null)}
      onPointerMove={(event) => {
        const index = Math.floor((event.clientX - event.currentTarget.getBoundingClientRect().left - left) / step)
        setCursor(index >= 0 && index < bars.length && sum(bars[index]?.values ?? []) > 0 ? index : null)
      }}
      onClick={() => {
        if (bar && !table) onOpen(bar)
      }}
    >
      {table ? <DataTable bars={bars} series={series} format={format} /> : <Plot {...{ bars, series, height, width, step, cursor, tick, summary }} />}
      {bar && cursor !== null && !table && <Tip bar={bar} series={series} format={format} at={left + (cursor + 0.5) * step} width={width} />}
      <span className="sr-only" aria-live="polite">
        {bar ? `${bar.title}: ${format(sum(bar.values))}` : ''}
      </span>
    </div>
  )
}
