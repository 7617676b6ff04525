/** Code by client in tabs, with the reader's real address; scrolls inside its box. */
import { Tabs } from 'radix-ui'
import { type Call, type Client, clients, snippet, type Token, tokens } from '../snippets.ts'
import { CopyButton } from './copy.tsx'

const colours: Record<Token['kind'], string> = { plain: '', string: 'text-ok-fg', word: 'text-accent-fg', comment: 'text-fg-3' }
export const Code = ({ text }: { text: string }) => (
  <>
    {tokens(text).map((token, index) =>
      token.kind === 'plain' ? (
        token.text
      ) : (
        <span key={index} className={colours[token.kind]}>
          {token.text}
        </span>
      ),
    )}
  </>
)

export function CodeTabs({ call, value, onChange }: { call: Call; value: Client; onChange: (client: Client) => void }) {
  return (
    <Tabs.Root value={value} onValueChange={(next) => onChange(next as Client)} className="min-w-0 overflow-hidden rounded-3 border border-line bg-surface">
      <div className="flex items-center border-b border-line pr-2.5 pl-1.5">
        <Tabs.List aria-label="Client" className="scrollbar-none flex min-w-0 flex-1 gap-0.5 overflow-x-auto">
          {clients.map((client) => (
            <Tabs.Trigger
              key={client}
              value={client}
              className="h-[38px] border-b-2 border-transparent px-[9px] text-12 font-medium whitespace-nowrap text-fg-2 -outline-offset-2 data-[state=active]:border-ink data-[state=active]:text-fg"
            >
              {client}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <CopyButton text={snippet(value, call)} />
      </div>
      {clients.map((client) => (
        <Tabs.Content key={client} value={client} className="-outline-offset-2">
          <pre tabIndex={0} aria-label={`${client} code`} className="min-h-[178px] overflow-x-auto px-4 py-3.5 text-12 leading-[19px] -outline-offset-2">
            <Code text={snippet(client, call)} />
          </pre>
        </Tabs.Content>
      ))}
    </Tabs.Root>
  )
}
