/** The documentation of the admin API as one page, made from its OpenAPI document: no script, nothing from elsewhere. */
import { html } from 'hono/html'

interface Schema {
  $ref?: string; type?: string | string[]; description?: string; enum?: unknown[]; items?: Schema; properties?: Record<string, Schema>; required?: string[]
  anyOf?: Schema[]; oneOf?: Schema[]; allOf?: Schema[]; additionalProperties?: Schema | boolean; format?: string; default?: unknown
}
interface Operation {
  summary?: string; tags?: string[]; security?: unknown[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[]
  requestBody?: { content?: Record<string, { schema?: Schema }> }
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>
}
interface Document {
  info: { title: string; version: string; description?: string }
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}
type Html = ReturnType<typeof html>

const methods = ['get', 'post', 'patch', 'put', 'delete']

/** A schema in one line: `string | null`, `Key[]`, `"active" | "disabled"`. */
function typeOf(schema: Schema | undefined): string {
  if (schema === undefined) return 'any'
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? ''
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const parts = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (parts !== undefined) return parts.map(typeOf).join(' | ')
  if (schema.items !== undefined) return `${typeOf(schema.items)}[]`
  if (typeof schema.additionalProperties === 'object') return `{ [name]: ${typeOf(schema.additionalProperties)} }`
  if (schema.properties !== undefined) return `{ ${Object.entries(schema.properties).map(([name, each]) => `${name}: ${typeOf(each)}`).join(', ')} }`
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type ?? 'any'
  return schema.format === undefined ? type : `${type} (${schema.format})`
}

const reference = (schema: Schema | undefined): Html => {
  const text = typeOf(schema)
  return schema?.$ref === undefined ? html`<code>${text}</code>` : html`<a href="#schema-${text}"><code>${text}</code></a>`
}

const jsonOf = (content: Record<string, { schema?: Schema }> | undefined): Schema | undefined => Object.values(content ?? {})[0]?.schema

const fields = (schema: Schema): Html => html`<table><tbody>${Object.entries(schema.properties ?? {}).map(([name, field]) => html`
  <tr><th><code>${name}</code>${(schema.required ?? []).includes(name) ? '' : html` <i>optional</i>`}</th><td>${reference(field)}${field.description === undefined ? '' : html`<p>${field.description}</p>`}</td></tr>`)}</tbody></table>`

function operation(path: string, method: string, { summary = '', parameters = [], requestBody, responses = {}, security = [] }: Operation): Html {
  const input = jsonOf(requestBody?.content)
  return html`<section id="${method}-${path.replaceAll(/\W+/g, '-')}">
    <h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></h3>
    <p>${summary}.${security.length === 0 ? ' Needs no log-in.' : ''}</p>
    ${parameters.length === 0 ? '' : html`<table><tbody>${parameters.map((each) => html`
      <tr><th><code>${each.name}</code> <i>${each.in}${each.required === true ? '' : ', optional'}</i></th><td>${reference(each.schema)}${each.schema?.description === undefined ? '' : html`<p>${each.schema.description}</p>`}</td></tr>`)}</tbody></table>`}
    ${input === undefined ? '' : html`<p>Body: ${reference(input)}</p>`}
    <ul>${Object.entries(responses).map(([status, response]) => html`<li><b>${status}</b> ${response.description ?? ''} ${jsonOf(response.content) === undefined || Number(status) >= 400 ? '' : reference(jsonOf(response.content))}</li>`)}</ul>
  </section>`
}

export function docsPage(given: object): string {
  const { info, paths = {}, components } = given as Document
  const all = Object.entries(paths).flatMap(([path, item]) => methods.flatMap((method) => {
    const found = item[method]
    return found === undefined ? [] : [{ path, method, operation: found, tag: found.tags?.[0] ?? 'Other' }]
  }))
  const tags = Map.groupBy(all, (each) => each.tag)
  const page = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="/api/docs.css"></head><body>
<nav><b>${info.title}</b>${[...tags.keys()].map((tag) => html`<a href="#tag-${tag}">${tag}</a>`)}<a href="#schemas">Schemas</a><a href="/api/v1/openapi.json">openapi.json</a></nav>
<main><h1>${info.title} <small>${info.version}</small></h1><p>${info.description ?? ''}</p>
<p>Log in with <code>POST /api/v1/session</code>, or send <code>Authorization: Bearer $MEGAROUTER_ADMIN_TOKEN</code>. With a session cookie every change needs the header <code>x-megarouter-csrf</code>, whose value is in <code>GET /api/v1/session</code>.
Errors are <a href="#schema-Error"><code>Error</code></a>. Lists are pages: pass <code>next_cursor</code> as <code>cursor</code>.</p>
<pre>curl -H "Authorization: Bearer $MEGAROUTER_ADMIN_TOKEN" -H "content-type: application/json" \\
  -d '{"name": "my first key"}' http://127.0.0.1:8080/api/v1/keys</pre>
${[...tags].map(([tag, list]) => html`<h2 id="tag-${tag}">${tag}</h2>${list.map((each) => operation(each.path, each.method, each.operation))}`)}
<h2 id="schemas">Schemas</h2>${Object.entries(components?.schemas ?? {}).map(([name, schema]) => html`<section id="schema-${name}"><h3>${name}</h3>${schema.description === undefined ? '' : html`<p>${schema.description}</p>`}${schema.properties === undefined ? html`<p>${reference(schema)}</p>` : fields(schema)}</section>`)}
</main></body></html>`
  return String(page)
}

export const docsStyle = `:root{color-scheme:light dark;--line:light-dark(#e6e7ea,#24262b);--soft:light-dark(#666c78,#8b919d);--link:light-dark(#2450c8,#8fb0ff)}
*{box-sizing:border-box}body{margin:0;font:14px/22px Inter,system-ui,sans-serif;background:light-dark(#fff,#131417);color:light-dark(#16181d,#ecedef);display:grid;grid-template-columns:220px minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:24px 16px;border-right:1px solid var(--line);display:flex;flex-direction:column;gap:8px}
main{padding:24px 32px 80px;max-width:960px}h1{font-size:22px;line-height:30px}h2{margin-top:48px;border-bottom:1px solid var(--line);padding-bottom:8px}h3{margin-top:28px;font-size:14px}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}code,pre{font:12px/20px "JetBrains Mono",ui-monospace,monospace;overflow-wrap:anywhere}
pre{overflow:auto;padding:12px 16px;border:1px solid var(--line);border-radius:8px}table{width:100%;border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-top:1px solid var(--line);font-weight:400}
th{width:34%}td p{margin:0;color:var(--soft)}i,small{color:var(--soft);font-style:normal;font-weight:400}.method{font-weight:600;display:inline-block;min-width:52px}
@media(max-width:760px){body{display:block}nav{position:static;height:auto;border:0;flex-flow:row wrap}main{padding:16px}}`
