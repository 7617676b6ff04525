/** The Markdown that models write, read into plain data: paragraphs, headings, lists, code, bold, italics, code spans, links. No HTML anywhere. */

export type Span = { kind: 'text' | 'bold' | 'italic' | 'code'; text: string } | { kind: 'link'; text: string; href: string }
export type Block =
  | { kind: 'paragraph' | 'heading' | 'quote'; spans: Span[] }
  | { kind: 'list'; ordered: boolean; items: Span[][] }
  | { kind: 'code'; text: string }

const inline = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\n]+)\*(?![\w*])|!?\[([^\]\n]*)\]\((https?:\/\/[^\s)]+)\)/g
/** Images become links too: nothing remote is loaded. */
export function spans(text: string): Span[] {
  const found: Span[] = []
  let at = 0
  for (const match of text.matchAll(inline)) {
    if (match.index > at) found.push({ kind: 'text', text: text.slice(at, match.index) })
    const [all, code, bold, italic, label, href] = match
    if (href !== undefined) found.push({ kind: 'link', text: label || href, href })
    else found.push({ kind: code !== undefined ? 'code' : bold !== undefined ? 'bold' : 'italic', text: code ?? bold ?? italic ?? '' })
    at = match.index + all.length
  }
  if (at < text.length) found.push({ kind: 'text', text: text.slice(at) })
  return found
}

const item = /^\s*(?:([-*+])|(\d{1,3})[.)])\s+(.*)$/
/** One line starts or goes on with a block; an unfinished fence is code to the end, as it is while streaming. */
export function blocks(source: string): Block[] {
  const found: Block[] = []
  let paragraph: string[] = []
  let list: { ordered: boolean; items: string[] } | null = null
  let code: string[] | null = null
  const close = (): void => {
    if (paragraph.length) found.push({ kind: 'paragraph', spans: spans(paragraph.join('\n')) })
    if (list) found.push({ kind: 'list', ordered: list.ordered, items: list.items.map(spans) })
    paragraph = []
    list = null
  }
  for (const line of source.split('\n')) {
    if (/^\s*```/.test(line)) {
      if (code) {
        found.push({ kind: 'code', text: code.join('\n') })
        code = null
      } else {
        close()
        code = []
      }
      continue
    }
    if (code) {
      code.push(line)
      continue
    }
    const entry = item.exec(line)
    const title = /^#{1,6}\s+(.*)$/.exec(line)
    const quote = /^>\s?(.*)$/.exec(line)
    if (entry) {
      const ordered = entry[2] !== undefined
      if (!list || list.ordered !== ordered) {
        close()
        list = { ordered, items: [] }
      }
      list.items.push(entry[3] ?? '')
    } else if (title || quote) {
      close()
      found.push({ kind: title ? 'heading' : 'quote', spans: spans((title ?? quote)?.[1] ?? '') })
    } else if (line.trim() === '') close()
    else if (list && /^\s{2,}/.test(line)) list.items[list.items.length - 1] += `\n${line.trim()}`
    else {
      if (list) close()
      paragraph.push(line)
    }
  }
  close()
  if (code) found.push({ kind: 'code', text: code.join('\n') })
  return found
}
