import { readFileSync } from 'node:fs'
import { CompletionContext } from '@codemirror/autocomplete'
import { EditorState } from '@codemirror/state'
import { expect, test } from 'vitest'
import { completeHelpers, signature, type EditedScript } from './complete-helpers.ts'
import { callName, helperOf, helpers, languageLabels, snakeName, type ScriptLanguage } from './helper-table.ts'
import { choicesOf, labelOf, lookOf } from './schema.ts'

const languages = Object.keys(languageLabels) as ScriptLanguage[]

const offered = (language: EditedScript, text: string) => {
  const env = () => [{ name: 'SHOP_TOKEN', detail: 'secret shop' }]
  const context = new CompletionContext(EditorState.create({ doc: text }), text.length, false)
  const result = completeHelpers({ language, env })(context)
  return result && { from: result.from, labels: result.options.map(({ label }) => label) }
}

test('helpers are offered behind their module, in the spelling of the language, and the environment where it is read', () => {
  expect(offered('node', 'await cronium.')).toMatchObject({ from: 14 })
  expect(offered('node', 'await runyard.get')?.labels).toContain('getVariable')
  expect(offered('python', 'runyard.')?.labels).toContain('get_variable')
  expect(offered('bash', 'x=$(runyard_')).toMatchObject({ from: 4 })
  expect(offered('bash', 'cronium_i')?.labels).toContain('cronium_input')
  expect(offered('bash', 'echo $SH')).toEqual({ from: 6, labels: ['SHOP_TOKEN'] })
  expect(offered('python', 'os.environ["')?.labels).toEqual(['SHOP_TOKEN'])
  expect(offered('node', 'console.')).toBeNull()
})

test('the helper meant by a word of a script', () => {
  expect(helperOf('cronium.getVariable')?.name).toBe('getVariable')
  expect(helperOf('runyard_set_condition')?.name).toBe('setCondition')
  expect(helperOf('runyard.IncrementVariable')?.name).toBe('incrementVariable')
  expect(helperOf('getVariable')).toBeUndefined()
  expect(signature('progress', 'bash')).toBe('runyard_progress percent text')
  expect(signature('getVariable', 'python')).toBe('runyard.get_variable(name)')
})

test('every helper that is offered is there in the clients, under the names that are shown', () => {
  const source = (path: string) => readFileSync(`src/runtime-helpers/${path}`, 'utf8')
  const client = source('js/modules/runyard/index.js')
  for (const { name, example } of helpers) {
    const snake = snakeName(name)
    expect(client).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    expect(client).toMatch(new RegExp(`^  ${snake}\\b`, 'm'))
    expect(source('python/runyard.py')).toContain(`\ndef ${snake}(`)
    expect(source('bash/runyard.sh')).toContain(`\nrunyard_${snake}() {`)
    expect(source('ruby/runyard.rb')).toMatch(new RegExp(`\\n  def ${snake}\\b`))
    expect(source('go/src/runyard/runyard.go')).toContain(`\nfunc ${callName(name, 'go').replace('runyard.', '')}(`)
    for (const language of languages) expect(example[language]).toContain(callName(name, language))
  }
})

test('a tool’s schema becomes fields', () => {
  const text = { type: 'string' }
  expect(lookOf('subject', text)).toBe('line')
  expect(lookOf('subject', { type: 'string', format: 'multiline' })).toBe('text')
  expect(lookOf('html', text)).toBe('text')
  expect(lookOf('to', { anyOf: [text, { type: 'array', items: text }] })).toBe('lines')
  expect(lookOf('blocks', { type: 'array', items: { type: 'object' } })).toBe('json')
  expect(lookOf('level', { enum: ['a', 'b'] })).toBe('choice')
  expect(choicesOf({ anyOf: [{ enum: ['a', 1] }, { type: 'null' }] })).toEqual(['a', '1'])
  expect(labelOf('thread_ts', {})).toBe('Thread ts')
})
