/** Charts are drawn at the measured width, so that their text never scales. */
import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

export function useWidth<T extends HTMLElement>(): [RefObject<T | null>, number] {
  const ref = useRef<T>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current
    if (!element) return
    setWidth(element.clientWidth)
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}

/** The next round number at or above a maximum, and how many ticks divide it evenly. */
export function scale(max: number): { top: number; ticks: number } {
  if (max <= 0) return { top: 1, ticks: 1 }
  const power = 10 ** Math.floor(Math.log10(max))
  for (const [step, ticks] of [
    [1, 4],
    [1.5, 3],
    [2, 4],
    [2.5, 5],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 3],
    [8, 4],
    [10, 5],
  ] as const)
    if (step * power >= max * 0.999) return { top: step * power, ticks }
  return { top: 10 * power, ticks: 5 }
}
