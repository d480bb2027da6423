import type { Command } from 'commander'
import { defineActs } from '../batch-acts.ts'
import { defineSubmits } from '../batch-submit.ts'
import { defineTemplates } from '../batch-template-commands.ts'

export function define(command: Command): void {
  defineSubmits(command)
  defineActs(command)
  defineTemplates(command)
  command.addHelpText(
    'after',
    '\nA file is YAML or JSON: name, defaults, jobs; or matrix and job. See docs/batches.md.',
  )
}
