/** One column of the playground: an answer as it streams, its state, and what it took. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type ChatEnd, streamChat } from '../../chat.ts'

export interface Run {
  state: 'idle' | 'waiting' | 'streaming' | ChatEnd['kind']
  text: string
  /** ms since the start of the run. */
  firstMs: number | null
  totalMs: number | null
  end: ChatEnd | null
  /** Chunks so far: close to tokens while the exact count is not known. */
  chunks: number
}
export const idleRun: Run = { state: 'idle', text: '', firstMs: null, totalMs: null, end: null, chunks: 0 }
export interface Column {
  id: number
  model: string
  run: Run
}
export interface Order {
  token: string
  system: string
  prompt: string
  temperature?: number | undefined
  maxTokens?: number | undefined
}

/** Text is drawn at most once a frame: a fast model sends hundreds of chunks a second. */
export function useColumns(models: string[]) {
  const next = useRef(models.length)
  const [columns, setColumns] = useState<Column[]>(() => models.map((model, id) => ({ id, model, run: idleRun })))
  const aborts = useRef(new Map<number, AbortController>())
  const patch = useCallback(
    (id: number, change: (run: Run) => Run) => setColumns((old) => old.map((column) => (column.id === id ? { ...column, run: change(column.run) } : column))),
    [],
  )
  useEffect(() => {
    const running = aborts.current
    return () => {
      for (const abort of running.values()) abort.abort()
    }
  }, [])

  const start = useCallback(
    async (id: number, model: string, order: Order) => {
      aborts.current.get(id)?.abort()
      const abort = new AbortController()
      aborts.current.set(id, abort)
      const began = performance.now()
      let pending = ''
      let [frame, chunks] = [0, 0]
      let firstMs: number | null = null
      const flush = (): void => {
        frame = 0
        const text = pending
        pending = ''
        patch(id, (run) => ({ ...run, state: 'streaming', text: run.text + text, firstMs, chunks }))
      }
      patch(id, () => ({ ...idleRun, state: 'waiting' }))
      const end = await streamChat({
        key: order.token,
        model,
        system: order.system,
        prompt: order.prompt,
        temperature: order.temperature,
        maxTokens: order.maxTokens,
        signal: abort.signal,
        onText: (text) => {
          firstMs ??= performance.now() - began
          chunks++
          pending += text
          frame ||= requestAnimationFrame(flush)
        },
      })
      cancelAnimationFrame(frame)
      if (aborts.current.get(id) !== abort) return
      aborts.current.delete(id)
      const totalMs = performance.now() - began
      patch(id, (run) => ({ ...run, state: end.kind, text: run.text + pending, firstMs, totalMs, end, chunks }))
    },
    [patch],
  )

  return {
    columns,
    start,
    stop: (id?: number) => {
      for (const [own, abort] of aborts.current) if (id === undefined || own === id) abort.abort()
    },
    setModel: (id: number, model: string) => setColumns((old) => old.map((column) => (column.id === id ? { ...column, model } : column))),
    add: (model: string) => setColumns((old) => (old.length < 4 ? [...old, { id: next.current++, model, run: idleRun }] : old)),
    remove: (id: number) => {
      aborts.current.get(id)?.abort()
      setColumns((old) => (old.length > 1 ? old.filter((column) => column.id !== id) : old))
    },
  }
}

export interface Marks {
  fastestStart: boolean
  fastest: boolean
  cheapest: boolean
}
/** Who was first and cheapest, among those that finished; nobody when only one did. */
export function marks(columns: Column[]): Map<number, Marks> {
  const done = columns.filter((column) => column.run.state === 'done')
  const least = (pick: (run: Run) => number | null | undefined): number | null => {
    const values = done.flatMap((column) => {
      const value = pick(column.run)
      return value == null ? [] : [value]
    })
    return values.length > 1 ? Math.min(...values) : null
  }
  const [first, total, cost] = [least((run) => run.firstMs), least((run) => run.totalMs), least((run) => run.end?.costUsd)]
  return new Map(
    done.map(({ id, run }) => [
      id,
      {
        fastestStart: first !== null && run.firstMs === first,
        fastest: total !== null && run.totalMs === total,
        cheapest: cost !== null && run.end?.costUsd === cost,
      },
    ]),
  )
}
