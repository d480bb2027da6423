import type { Command } from 'commander'
import { defineVariableCommands } from '../variable-commands.ts'

export function define(command: Command): void {
  defineVariableCommands(command, 'var')
  command.addHelpText(
    'after',
    '\nScripts of events read and write them (getVariable, setVariable). Secrets are apart: runyard secret. See docs/variables.md.',
  )
}
