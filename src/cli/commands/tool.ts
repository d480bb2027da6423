import type { Command } from 'commander'
import { stringify } from 'yaml'
import type { Tool } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { print, printJson, table } from '../render.ts'

export function define(command: Command): void {
  const ls = command
    .command('ls')
    .summary('list tools')
    .description('list what channels can do: tools and their actions')
  ls.action(async () => {
    const { tools } = await withServer(ls, ({ client }) => client.calls.tools.list())
    if (globalsOf(ls).json) return printJson(tools)
    process.stdout.write(toolTable(tools))
  })

  const show = command.command('show').argument('<tool>').argument('[action]', 'only this one').summary('one tool')
  show
    .description('the fields of each action of a tool, with an example; --json prints the whole JSON Schema')
    .action(async (name: string, action?: string) => {
      const { tools } = await withServer(show, ({ client }) => client.calls.tools.list())
      const tool = tools.find((one) => one.name === name)
      const actions = tool?.actions.filter((one) => action === undefined || one.name === action) ?? []
      if (tool === undefined || actions.length === 0) {
        throw new AppError(
          'not_found',
          `there is no ${tool === undefined ? 'tool' : 'action'} of this name: runyard tool ls`,
        )
      }
      if (globalsOf(show).json) return printJson({ ...tool, actions })
      for (const one of actions) {
        print(`${tool.name} ${one.name}: ${one.description}`)
        process.stdout.write(fieldTable(one.input as Schema))
        print(`\n${stringify({ input: one.example }, { lineWidth: 0 })}`)
      }
    })
  command.addHelpText(
    'after',
    '\nA channel is of one tool; messages and actions of events use it. See docs/actions.md.',
  )
}

const toolTable = (tools: Tool[]): string =>
  table(
    ['TOOL', 'ACTION', 'FIELDS', 'WHAT IT DOES'].map((title) => ({ title, shrinks: title === 'WHAT IT DOES' })),
    tools.flatMap(({ name, actions }) =>
      actions.map((action) => [name, action.name, fieldsOf(action.input as Schema).join(', '), action.description]),
    ),
  )

interface Schema {
  properties?: Record<string, { description?: string; type?: string | string[] }>
  required?: string[]
}

const fieldsOf = ({ properties = {} }: Schema): string[] => Object.keys(properties)

const fieldTable = ({ properties = {}, required = [] }: Schema): string =>
  table(
    ['FIELD', 'TYPE', '', 'WHAT'].map((title) => ({ title, shrinks: title === 'WHAT' })),
    Object.entries(properties).map(([field, { type, description }]) => [
      field,
      [type ?? 'any'].flat().join(', '),
      required.includes(field) ? 'required' : '',
      description ?? '',
    ]),
  )
