/**
 * The four coding tools, each set up as docs/guides/clients.md tells it: which files, which variables, which command. They run in a
 * temporary home folder and end at a deadline. Fails with what the tool printed.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Call } from './vendor.ts'

export interface Place { url: string; key: string; model: string; home: string; work: string }
export interface Tool {
  name: string
  /** Models that it asks for by names of its own. */
  asksFor?: readonly string[]
  /** Codes of refusals that it takes in its stride. */
  refusals?: readonly string[]
  /** Its format has a place for thoughts, and it sends them back. */
  keepsThoughts?: false
  /** The tool of the tool that reads a file, and how it is called. */
  reads(file: string): Omit<Call, 'id'>
  files?(place: Place): Record<string, string>
  environment(place: Place): Record<string, string>
  command(place: Place, prompt: string): string[]
}

const packages = join(import.meta.dirname, 'node_modules')

const claudeCode: Tool = {
  name: 'Claude Code',
  reads: (file) => ({ name: 'Read', arguments: { file_path: file } }),
  environment: ({ url, key, model }) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key, ANTHROPIC_MODEL: model, ANTHROPIC_DEFAULT_HAIKU_MODEL: model, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' }),
  command: (_place, prompt) => [join(packages, '@anthropic-ai/claude-code-linux-x64/claude'), '-p', prompt, '--output-format', 'json', '--allowedTools', 'Read'],
}

const codex: Tool = {
  name: 'Codex',
  reads: (file) => ({ name: 'exec_command', arguments: { cmd: `cat ${file}` } }),
  files: ({ url, model }) => ({
    '.codex/config.toml': `model = "${model}"\nmodel_provider = "megarouter"\n\n[model_providers.megarouter]\nname = "MegaRouter"\nbase_url = "${url}/v1"\nenv_key = "MEGAROUTER_KEY"\nwire_api = "responses"\n`,
  }),
  environment: ({ key }) => ({ MEGAROUTER_KEY: key }),
  command: (_place, prompt) => [process.execPath, join(packages, '@openai/codex/bin/codex.js'), 'exec', '--skip-git-repo-check', prompt],
}

/** As its OpenAI at another address: it tries a WebSocket before it asks by HTTP. */
const codexOpenai: Tool = {
  ...codex,
  name: 'Codex with openai_base_url',
  refusals: ['upgrade_required'],
  files: ({ url, model }) => ({ '.codex/config.toml': `model = "${model}"\nopenai_base_url = "${url}/v1"\n` }),
  environment: ({ key }) => ({ CODEX_API_KEY: key }),
}

const geminiCli: Tool = {
  name: 'Gemini CLI',
  reads: (file) => ({ name: 'read_file', arguments: { file_path: file } }),
  files: () => ({ '.gemini/settings.json': JSON.stringify({ security: { auth: { selectedType: 'gemini-api-key' } }, privacy: { usageStatisticsEnabled: false } }) }),
  environment: ({ url, key }) => ({ GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: key }),
  command: ({ model }, prompt) => [process.execPath, join(packages, '@google/gemini-cli/bundle/gemini.js'), '--skip-trust', '-m', model, '-p', prompt, '-o', 'json'],
}

/** Without a model it asks a small one which of its own to take. */
const geminiCliRouter: Tool = {
  ...geminiCli,
  name: 'Gemini CLI without a model',
  asksFor: ['gemini-3.5-flash-lite', 'gemini-3.8-flash', 'gemini-3.1-pro-preview'],
  command: (_place, prompt) => [process.execPath, join(packages, '@google/gemini-cli/bundle/gemini.js'), '--skip-trust', '-p', prompt, '-o', 'json'],
}

const opencodeBy = (npm: string): Tool => ({
  name: `opencode with ${npm}`,
  reads: (file) => ({ name: 'read', arguments: { filePath: file } }),
  files: ({ url, model }) => ({
    '.config/opencode/opencode.json': JSON.stringify({
      $schema: 'https://opencode.ai/config.json',
      provider: { megarouter: { npm, name: 'MegaRouter', options: { baseURL: `${url}/v1`, apiKey: '{env:MEGAROUTER_KEY}' }, models: { [model]: {} } } },
    }),
  }),
  environment: ({ key }) => ({ MEGAROUTER_KEY: key }),
  command: ({ model }, prompt) => [join(packages, 'opencode-linux-x64-baseline/bin/opencode'), 'run', '--model', `megarouter/${model}`, prompt],
})
const opencode: Tool = { ...opencodeBy('@ai-sdk/openai-compatible'), keepsThoughts: false }
const opencodeResponses = opencodeBy('@ai-sdk/openai')

export const tools = { claudeCode, codex, codexOpenai, geminiCli, geminiCliRouter, opencode, opencodeResponses }

export interface Ran { code: number | null; output: string; errors: string }

/** Runs a tool in a folder with one file in it, with an environment of its own. */
export async function runTool(tool: Tool, gateway: { url: string; key: string; model: string }, files: Record<string, string>, prompt: string, timeoutMs: number): Promise<Ran & { work: string }> {
  const root = mkdtempSync(join(tmpdir(), 'megarouter-tool-'))
  const [home, work] = [join(root, 'home'), join(root, 'work')]
  const place: Place = { ...gateway, home, work }
  for (const [folder, written] of [[home, tool.files?.(place) ?? {}], [work, files]] as const) {
    mkdirSync(folder, { recursive: true })
    for (const [path, text] of Object.entries(written)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  const [command, ...args] = tool.command(place, prompt)
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: root, LANG: 'C.UTF-8', TERM: 'dumb', NO_COLOR: '1', ...tool.environment(place) }
  // A group of its own: what a tool starts ends with it.
  const child = spawn(command!, args, { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ran: Ran = { code: null, output: '', errors: '' }
  child.stdout.on('data', (chunk: Buffer) => { ran.output += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { ran.errors += chunk.toString() })
  const end = (): void => { try { process.kill(-child.pid!, 'SIGKILL') } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error } }
  const timer = setTimeout(end, timeoutMs)
  try {
    ran.code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    return { ...ran, work }
  } finally {
    clearTimeout(timer)
    if (child.pid !== undefined) end()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}
