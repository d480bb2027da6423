import type { Command } from 'commander'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { defineRunActs } from '../pipeline-acts.ts'
import { defineCheck } from '../pipeline-check.ts'
import { defineDefinitions } from '../pipeline-definitions.ts'
import { defineStart } from '../pipeline-start.ts'
import { pipelineDetails, pipelineTable, problemsBelow } from '../pipeline-view.ts'
import { notice, printJson } from '../render.ts'
import { parseWithin } from '../units.ts'

export function define(command: Command): void {
  defineLs(command)
  const show = command.command('show').argument('<name>', 'of the pipeline').summary('a pipeline and its tasks')
  show
    .description('how a pipeline is defined: variables, limits, tasks')
    .option('--source', 'its YAML as it was written, and nothing else')
    .action(async (name: string, { source }: { source?: boolean }) => {
      const found = await withServer(show, ({ client }) => client.calls.pipelines.get({ name }))
      if (source) return void process.stdout.write(found.source_text)
      if (globalsOf(show).json) return printJson(found)
      process.stdout.write(pipelineDetails(found))
    })
  defineStart(command)
  defineRunActs(command)
  defineCheck(command)
  defineDefinitions(command)
  command.addHelpText(
    'after',
    '\nPipelines are in pipelines.yml files: runyard up --pipelines DIR. See docs/pipelines.md.',
  )
}

function defineLs(command: Command): void {
  const ls = command.command('ls').summary('list pipelines').description('list pipelines by name')
  ls.option('--search <text>', 'part of the name or description')
    .option('--gone', 'also those whose file is gone')
    .option('--limit <n>', 'how many', parseWithin(1, 500), 100)
    .action(async ({ search, gone, limit }: { search?: string; gone?: boolean; limit: number }) => {
      const found = await withServer(ls, ({ client }) => client.calls.pipelines.list({ search, gone, limit }))
      if (globalsOf(ls).json) return printJson(found.pipelines)
      if (found.pipelines.length === 0) {
        notice('no pipeline matches; runyard up --pipelines DIR loads its pipelines.yml files')
      } else process.stdout.write(pipelineTable(found.pipelines))
      for (const text of problemsBelow(found)) notice(text, true)
    })
}
