/** Whole scripts: those of docs/helpers.md and of the page that events came from, and Bash with nothing to ask by. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseOutputs } from '../job/outputs.ts'
import { isThere } from './testing/languages.ts'
import { scriptBench } from './testing/run-script.ts'

const { dir, runner, run } = scriptBench()
const pageOf = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')

const fenced = (page: string, language: string): string => {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1]
  if (found === undefined) throw new Error(`the page has nothing in ${language}`)
  return found
}

const reset = (): void => {
  runner.input = { type: 'application/json', bytes: Buffer.from('{"n": 1}') }
  Object.assign(runner, { output: null, condition: null })
  runner.variables.clear()
}

const documented: [fence: string, file: string, program: string, last: unknown][] = [
  ['javascript', 'doc.cjs', 'node', { at: 'noon' }],
  ['python', 'doc.py', 'python3', { at: 'noon' }],
  ['bash', 'doc.sh', 'bash', 'noon'],
  ['ruby', 'doc.rb', 'ruby', { at: 'noon' }],
  ['go', 'doc.go', 'go', undefined],
]

test.each(documented)('the example of docs/helpers.md in %s', async (fence, file, program, last) => {
  if (!isThere(program)) return console.log(`skipped for want of ${program}`)
  reset()
  const strict = fence === 'bash' ? 'set -euo pipefail\n' : ''
  expect(await run(file, strict + fenced(pageOf('docs/helpers.md'), fence))).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  expect(JSON.parse(runner.output!.bytes.toString())).toEqual(fence === 'bash' ? { n: 1 } : { seen: { n: 1 } })
  expect(runner.condition).toBe(true)
  expect(runner.variables.get('last')).toEqual(last)
})

// They speak of a result that their reader has.
const seed: [fence: string, file: string, before: string][] = [
  ['javascript', 'seed.cjs', 'globalThis.resultData = { a: 1 }\n'],
  ['python', 'seed.py', 'result_data = {"a": 1}\n'],
  ['bash', 'seed.sh', 'result_data=\'{"a": 1}\'\n'],
]

test.each(seed)('a snippet for Cronium runs as it stands: %s', async (fence, file, before) => {
  reset()
  runner.variables.set('key', 'before')
  const snippet = fenced(pageOf('test/fixtures/cronium-snippets.md'), fence)
  expect(await run(file, before + snippet)).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(JSON.parse(runner.output!.bytes.toString())).toEqual({ a: 1 })
  expect([runner.condition, runner.variables.get('key')]).toEqual([true, 'value'])
})

test('Bash without curl, perl, python and node: by files', async () => {
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  for (const program of ['bash', 'cat']) symlinkSync(`/bin/${program}`, join(bin, program))
  writeFileSync(join(dir, 'input'), 'the input')
  writeFileSync(
    join(dir, 'event.json'),
    '{"id":"e1","name":"nightly","attempt":2,"input":{"type":"text/plain","bytes":9}}',
  )
  const out = join(dir, 'out')
  const script = [
    `source '${import.meta.dirname}/bash/cronium.sh'`,
    'printf "%s;%s;%s\\n" "$(cronium_input)" "$(cronium_event_field name)" "$(cronium_eventField attempt)"',
    'cronium_output "$(printf "two\\nlines = <<EOF\\nEOF")"',
    'cronium_setVariable last "a=b"',
    'cronium_setCondition true',
    'cronium_progress 50 half',
    'cronium_getVariable last || echo "refused $?"',
    'cronium_input_file "$RUNYARD_DIR/copy" && cat "$RUNYARD_DIR/copy"',
  ].join('\n')
  const { code, stdout, stderr } = await run('files.sh', script, { PATH: bin, RUNYARD_OUTPUT: out })
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'the input;nightly;2\nrefused 1\nthe input' })
  expect(stderr).toBe('runyard: runyard_get_variable needs curl, perl, python3 or node, and none of them is here\n')
  expect(parseOutputs(readFileSync(out))).toEqual({
    notes: [],
    values: {
      'runyard.output': 'two\nlines = <<EOF\nEOF',
      'runyard.variable.last': 'a=b',
      'runyard.condition': 'true',
    },
  })
})

test('editors know every function of Node', async () => {
  const { stdout } = await run('names.cjs', 'console.log(Object.keys(require("runyard")).join(" "))')
  const types = readFileSync(join(import.meta.dirname, 'js/modules/runyard/index.d.ts'), 'utf8')
  const declared = new Set(
    [...types.matchAll(/^export (?:declare )?(?:class|function|const) (\w+)/gm)].map(([, name]) => name),
  )
  expect(
    stdout
      .trim()
      .split(' ')
      .filter((name) => !declared.has(name)),
  ).toEqual([])
})
