/** Whether scripts and the like can be read as templates, with the place in the file and not in the script. */
import { isScalar } from 'yaml'
import { checkTemplate } from '../template/template.ts'
import type { Field } from './field.ts'
import type { Place } from './parse-yaml.ts'

/** Beside the language's own (src/template/). */
const functions = ['default', 'shellquote', 'toJson', 'output']

export function checkTemplateAt(field: Field): void {
  const { node, file } = field
  if (!isScalar(node) || typeof node.value !== 'string' || !node.value.includes('{{')) return
  const wrong = checkTemplate('', node.value, functions)
  if (wrong === null) return
  const why = wrong.message.replace(/^:?\d+:\d+: /, '')
  const inside = placeIn(field, wrong)
  const where = inside === undefined && node.value.includes('\n') ? ` (line ${wrong.line} of it)` : ''
  file.problems.at(inside ?? file.problems.place(field.at), field.path, `is no template${where}: ${why}`)
}

/** Known of lines that stand in the file as they are in the text. */
function placeIn(field: Field, { line, column }: Place): Place | undefined {
  const { node, file } = field
  if (!isScalar(node) || !node.range) return undefined
  const wanted = String(node.value).split('\n')[line - 1]!
  const start = file.problems.place(node.range[0])
  const first = start.line - 1 + (node.type === 'BLOCK_LITERAL' ? line : line - 1)
  const found = file.text.split('\n')[first]?.replace(/\r$/, '')
  const indent = found?.indexOf(wanted, line === 1 && node.type !== 'BLOCK_LITERAL' ? start.column - 1 : 0) ?? -1
  return indent < 0 ? undefined : { line: first + 1, column: indent + column }
}
