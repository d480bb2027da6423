import type { Command } from 'commander'
import { effectiveConfig } from '../../config/config.ts'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { paint, printJson, table } from '../render.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'runner', 'jobs'])
  command.action(() => {
    const rows = effectiveConfig(configOf(command))
    if (globalsOf(command).json) return printJson(rows)
    const columns = [
      { title: 'SETTING' },
      { title: 'VALUE', shrinks: true },
      { title: 'FROM' },
      { title: 'ENVIRONMENT' },
    ]
    const cells = rows.map(({ setting, value, source, env }) => [
      setting,
      show(value),
      source === 'default' ? paint('dim', source) : source,
      env,
    ])
    process.stdout.write(table(columns, cells))
  })
}

/** As one would set it. */
export const show = (value: unknown): string => {
  if (value === null || value === undefined) return '-'
  if (typeof value !== 'object') return String(value)
  const parts = Array.isArray(value)
    ? value.map(String)
    : Object.entries(value).map(([name, text]) => `${name}=${String(text)}`)
  return parts.join(',') || '(none)'
}
