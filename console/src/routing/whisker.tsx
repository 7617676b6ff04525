/** Quality as a dot with a whisker of one deviation to each side, on a scale from 0 to 1. The number stands beside it. */
const width = 84
const height = 12
const x = (value: number): number => 2 + Math.max(0, Math.min(1, value)) * (width - 4)

export const Whisker = ({ value, deviation, marked = false }: { value: number; deviation: number; marked?: boolean }) => (
  <svg width={width} height={height} aria-hidden className="inline-block align-middle">
    <line x1={x(0)} x2={x(1)} y1={height / 2} y2={height / 2} stroke="var(--grid)" />
    <line x1={x(value - deviation)} x2={x(value + deviation)} y1={height / 2} y2={height / 2} stroke={marked ? 'var(--accent)' : 'var(--c0)'} strokeWidth="2" strokeLinecap="round" />
    <circle cx={x(value)} cy={height / 2} r="3.5" fill={marked ? 'var(--accent)' : 'var(--c0)'} />
  </svg>
)
