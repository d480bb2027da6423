import type { Command } from 'commander'
import { effectiveConfig } from '../../config/config.ts'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { paint, printJson, table } from '../render.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'runner'])
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

const show = (value: unknown): string => {
  if (value === null) return '-'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
