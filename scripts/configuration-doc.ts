/** Writes docs/configuration.md from the settings table; `--check` compares instead, and fails when it is old. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { settings, settingNames, type Setting, type SettingGroup } from '../src/config/settings.ts'

const file = new URL('../docs/configuration.md', import.meta.url)

const titles: Record<SettingGroup, string> = {
  server: 'Server',
  secrets: 'Secrets and sign-in',
  jobs: 'What jobs may do',
  limits: 'Limits of a job',
  queue: 'Queue',
  runner: 'Runner',
  elsewhere: 'Containers, hosts, clusters',
  http: 'HTTP',
  client: 'Command line',
}

const intro = `# Configuration

Written by \`scripts/configuration-doc.ts\` from \`src/config/settings.ts\`; edit that file.

A setting is looked for in this order: flag, environment, env file, default. The env file is the one named by
\`--settings\`, else \`runyard.env\` in the data directory; it has a line \`NAME=value\` for each setting. All mistakes are
reported at once, and a name beginning with \`RUNYARD_\` that is no setting is one. \`runyard config\` shows what is in force
and where each value came from, with secrets hidden.

Sizes are bytes, or \`512K\`, \`100M\`, \`2G\` (powers of 1024). Lists are comma separated. A setting whose value is empty
counts as unset, except a list, which is then empty.
`

const sizes = ['', 'K', 'M', 'G', 'T']
function asSize(value: number): string {
  let power = 0
  while (power < 4 && value >= 1024 && value % 1024 === 0) {
    value /= 1024
    power++
  }
  return `${value}${sizes[power]}`
}

function asText(setting: Setting, value: unknown): string {
  if (typeof value === 'number' && setting.type === 'bytes') return asSize(value)
  if (Array.isArray(value)) return value.length > 0 ? value.join(',') : 'none'
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0 ? JSON.stringify(value) : 'none'
  return String(value)
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function row(setting: Setting): string {
  const names = [setting.env, setting.alias, setting.flag]
    .filter((name) => name !== undefined)
    .map((name) => `\`${name}\``)
  const fallback = setting.defaultText ?? `\`${asText(setting, setting.default)}\``
  const bounds = [
    setting.min !== undefined && setting.max !== undefined
      ? `${asText(setting, setting.min)} to ${asText(setting, setting.max)}`
      : undefined,
    setting.oneOf?.map((word) => `\`${word}\``).join(', '),
    setting.secret ? 'secret' : undefined,
  ].filter((text) => text !== undefined)
  const kind = [setting.type, ...bounds].join('; ')
  return `| ${[names.join('<br>'), kind, fallback, setting.meaning].map(inCell).join(' | ')} |`
}

export function configurationDoc(): string {
  const parts = [intro]
  for (const [group, title] of Object.entries(titles)) {
    const rows = settingNames.map((name): Setting => settings[name]).filter((setting) => setting.group === group)
    parts.push(
      `## ${title}\n\n| name | value | default | meaning |\n| --- | --- | --- | --- |\n${rows.map(row).join('\n')}\n`,
    )
  }
  return parts.join('\n')
}

if (import.meta.main) {
  const doc = configurationDoc()
  if (!process.argv.includes('--check')) {
    await mkdir(new URL('.', file), { recursive: true })
    await writeFile(file, doc)
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== doc) {
    console.error('docs/configuration.md is old; write it anew: npm run docs')
    process.exitCode = 1
  }
}
