import { Fragment } from 'react'
import { type Block, blocks, type Span } from '../markdown.ts'
import { link } from './button.tsx'

const Inline = ({ of }: { of: Span[] }) =>
  of.map((span, index) => {
    if (span.kind === 'bold')
      return (
        <b key={index} className="font-semibold">
          {span.text}
        </b>
      )
    if (span.kind === 'italic') return <i key={index}>{span.text}</i>
    if (span.kind === 'code')
      return (
        <code key={index} className="mono rounded-1 bg-sunken px-1">
          {span.text}
        </code>
      )
    if (span.kind === 'link')
      return (
        <a key={index} href={span.href} target="_blank" rel="noreferrer noopener" className={`${link} wrap-anywhere`}>
          {span.text}
        </a>
      )
    return <Fragment key={index}>{span.text}</Fragment>
  })
function One({ block }: { block: Block }) {
  if (block.kind === 'code')
    return (
      <pre tabIndex={0} className="overflow-x-auto rounded-2 border border-line bg-sunken px-2.5 py-2 text-12 leading-[19px]">
        {block.text}
      </pre>
    )
  if (block.kind === 'list') {
    const List = block.ordered ? 'ol' : 'ul'
    return (
      <List className={`grid gap-0.5 pl-[18px] ${block.ordered ? 'list-decimal' : 'list-disc'}`}>
        {block.items.map((item, index) => (
          <li key={index} className="whitespace-pre-wrap">
            <Inline of={item} />
          </li>
        ))}
      </List>
    )
  }
  return (
    <p
      className={`whitespace-pre-wrap ${block.kind === 'heading' ? 'font-semibold' : block.kind === 'quote' ? 'border-l-2 border-line-2 pl-2.5 text-fg-2' : ''}`}
    >
      <Inline of={block.spans} />
    </p>
  )
}
/** A model's answer. Only the last block changes while it streams, so earlier ones keep their place. */
export const Markdown = ({ text }: { text: string }) => (
  <div className="grid min-w-0 gap-2">
    {blocks(text).map((block, index) => (
      <One key={index} block={block} />
    ))}
  </div>
)
