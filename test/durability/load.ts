/** Load of known requests: who was answered and when, so that a test can hold the gateway to what it had accepted. */
export interface Answered {
  id: string
  /** Epoch ms at which the whole answer was here. */
  at: number
}

/** Sends requests one after another on `lanes` lanes until stopped; a connection that breaks is no answer. */
export function startLoad(url: string, key: string, model: string, lanes: number): { answered: Answered[]; stop(): Promise<void> } {
  const answered: Answered[] = []
  let stopped = false
  const lane = async (): Promise<void> => {
    while (!stopped) {
      try {
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
        })
        await response.arrayBuffer()
        if (response.status === 200) answered.push({ id: response.headers.get('x-megarouter-request-id')!, at: Date.now() })
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }
  const all = Array.from({ length: lanes }, lane)
  return { answered, async stop() { stopped = true; await Promise.all(all) } }
}

interface Page { data: { id: string }[]; next_cursor: string | null }

/** Ids of all recorded requests. */
export async function recordedIds(admin: (method: string, path: string) => Promise<{ body: unknown }>): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await admin('GET', `/requests?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    const page = body as Page
    for (const { id } of page.data) ids.add(id)
    cursor = page.next_cursor
  }
  return ids
}
