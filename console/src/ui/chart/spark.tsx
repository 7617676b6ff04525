/** A trend without an axis beside a key figure. Gaps stay gaps; an unfinished last bucket is dashed with a hollow end. */
import { useWidth } from './width.ts'

export function Spark({ values, color = 'var(--fg-2)', partial, floor }: { values: (number | null)[]; color?: string; partial: boolean; floor?: number }) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const height = 26
  const known = values.filter((value) => value !== null)
  const max = Math.max(...known)
  const min = floor ?? Math.min(...known, max * 0.6)
  const x = (index: number): number => (index / Math.max(1, values.length - 1)) * (width - 6) + 2
  const y = (value: number): number => height - 3 - ((value - min) / (max - min || 1)) * (height - 7)
  const points = values.map((value, index) => (value === null ? null : ([x(index), y(value)] as const)))
  const solid = partial ? points.slice(0, -1) : points
  let line = ''
  for (const [index, point] of solid.entries()) if (point) line += `${line && solid[index - 1] ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`
  const [before, end] = [points.at(-2), points.at(-1)]
  return (
    <div ref={ref} className="mt-[7px] h-[26px]">
      {width > 0 && known.length > 1 && (
        <svg width={width} height={height} aria-hidden className="block overflow-visible">
          <path d={line} fill="none" stroke={color} strokeWidth="1.5" strokeLinejoin="round" />
          {partial && before && end && <path d={`M${before[0]} ${before[1]}L${end[0]} ${end[1]}`} stroke={color} strokeWidth="1.5" strokeDasharray="2 2" />}
          {end && <circle cx={end[0]} cy={end[1]} r="2.2" fill={partial ? 'var(--surface)' : color} stroke={color} strokeWidth="1.3" />}
        </svg>
      )}
    </div>
  )
}
