import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { taskShell, taskShellLimits } from './task-shell.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'runyard-shell-')))
afterAll(() => rmSync(directory, { recursive: true }))

function run(items: string[], { allowFailure = false, args = [] as string[] } = {}) {
  const { command, env } = taskShell(items, { directory, allowFailure, args })
  const [program = '', ...rest] = command
  const { status, signal, stdout, stderr } = spawnSync(program, rest, {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { code: status, signal, out: stdout, err: stderr }
}

const cases: [what: string, items: string[], code: number, out: string, err?: string][] = [
  ['nothing is a success', [], 0, ''],
  ['an empty item', ['', '  ', '# only a comment'], 0, ''],
  ['in turn', ['echo a', 'echo b'], 0, 'a\nb\n'],
  ['variables, functions, options carry over', ['x=1; f() { echo "f$x"; }; set -u', 'f; echo "$-"'], 0, 'f1\nhuBc\n'],
  [
    'declare is global, and arrays',
    ['declare -A m=([k]=v); declare y=2; export Z=3', 'echo "${m[k]}$y$(printenv Z)"'],
    0,
    'v23\n',
  ],
  ['the directory is reset', ['cd /usr; pwd', 'pwd'], 0, `/usr\n${directory}\n`],
  ['the first that fails ends it', ['echo a', 'false', 'echo b'], 1, 'a\n'],
  ['exit 0 ends its item only', ['x=7; exit 0; echo never', 'echo "$x"'], 0, '7\n'],
  ['exit 3 fails', ['exit 3', 'echo never'], 3, ''],
  ['many exits', ['n=0', ...Array.from({ length: 5 }, () => 'n=$((n + 1)); exit'), 'echo "$n"'], 0, '5\n'],
  ['exit in a function', ['f() { local l=1; exit 0; }; f', 'declare d=4', 'echo "$d"'], 0, '4\n'],
  ['a trap runs at the end of its item', ['trap "echo bye" EXIT; echo a', 'echo b'], 0, 'a\nbye\nb\n'],
  ['a trap and exit', ['trap \'echo "bye $?"\' EXIT; exit 4', 'echo b'], 4, 'bye 4\n'],
  ['a trap that ends well', ["trap 'exit 0' EXIT; exit 4", 'echo b'], 0, 'b\n'],
  ['a trap that ends badly', ["trap 'exit 6' EXIT", 'echo b'], 6, ''],
  ['a trap does not change the code', ["trap 'false' EXIT", 'echo b'], 0, 'b\n'],
  ['a trap that is taken back', ['trap "echo bye" EXIT; trap - EXIT; echo a'], 0, 'a\n'],
  ['a trap of a subshell is its own', ["(trap 'echo in' EXIT; echo x)", 'echo b'], 0, 'x\nin\nb\n'],
  ['a trap for a signal', ["trap 'echo usr' USR1", 'kill -USR1 $$; echo b'], 0, 'usr\nb\n'],
  ['set -e', ['set -e; false; echo never', 'echo b'], 1, ''],
  ['set -e carries over', ['set -e', 'false; echo never'], 1, ''],
  ['set -e in a condition', ['set -e; if false; then :; fi; false || true; echo a', 'echo b'], 0, 'a\nb\n'],
  ['set -u', ['set -u; echo "$nope"; echo never', 'echo b'], 127, '', 'bash: line 1: nope: unbound variable\n'],
  ['pipefail', ['set -o pipefail; false | true'], 1, ''],
  ['set -x shows the item alone', ['set -x; echo a', 'echo b'], 0, 'a\nb\n', '++++ echo a\n+++++ echo b\n'],
  ['an unknown command', ['\nnot-there-1'], 127, '', 'bash: line 2: not-there-1: command not found\n'],
  [
    'a line number after an exit',
    ['exit 0', '\n\nnot-there-1'],
    127,
    '',
    'bash: line 3: not-there-1: command not found\n',
  ],
  ['exec takes the place of all', ['exec sh -c "echo a; exit 5"', 'echo never'], 5, 'a\n'],
  ['exec of redirections only', ['exec 3>&1; echo a >&3', 'echo b >&3'], 0, 'a\nb\n'],
  ['background and wait', ['(exit 7) & p=$!', 'wait "$p"'], 7, ''],
  [
    'break and return are none of ours',
    ['break; echo a', 'echo b'],
    0,
    'a\nb\n',
    "bash: line 1: break: only meaningful in a `for', `while', or `until' loop\n",
  ],
  ['a here-document', ['cat <<X\na $((1 + 1))\nX', 'echo "q\'"'], 0, "a 2\nq'\n"],
  ['stdin is empty', ['cat; echo end'], 0, 'end\n'],
  [
    'nothing of ours is in the environment',
    ['env | grep -i ^_*runyard; set -a; x=1', 'env | grep -i ^_*runyard; true'],
    0,
    '',
  ],
  ['the last command counts', ['false; true', 'echo b'], 0, 'b\n'],
  ['killed by a signal', ['sh -c "kill -9 \\$\\$"'], 137, ''],
]

test.for(cases)('%s', ([, items, code, out, err]) => {
  const result = run(items)
  expect({ ...result, err: err === undefined ? '' : result.err }).toEqual({ code, signal: null, out, err: err ?? '' })
})

test('a syntax error ends its item with 2 and bash says why', () => {
  for (const item of ['if true; then', 'echo "open', 'fi']) {
    expect(run([item, 'echo never'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^bash: eval: line [12]: /),
    })
  }
})

test('allow_failure: all items run, the code is that of the first that failed', () => {
  expect(run(['exit 3', 'echo b; false', 'echo c'], { allowFailure: true })).toMatchObject({ code: 3, out: 'b\nc\n' })
  expect(run(['set -e; false', 'echo b'], { allowFailure: true })).toMatchObject({ code: 1, out: 'b\n' })
})

test('arguments are the same for each item', () => {
  const args = ['a b', '$(id)', '-x', '']
  expect(run(['printf "<%s>" "$@"; shift 3', 'printf "<%s>" "$@"'], { args }).out).toBe('<a b><$(id)><-x><>'.repeat(2))
})

test('a stop ends the task, not its item', () => {
  const result = run(['kill -TERM $$; sleep 0; true', 'echo never'], { allowFailure: true })
  expect(result.code).toBe(143)
  expect(result.out).toBe('')
})

test('large items are carried in pieces; too large is refused', () => {
  const long = `x=${'é😀'.repeat(60_000)}`
  expect(run([long, 'echo "${#x}"; printf %s "$x" | wc -c']).out.trim()).toMatch(/360000$/)
  expect(() =>
    taskShell(['x'.repeat(taskShellLimits.itemBytes + 1)], { directory, allowFailure: false, args: [] }),
  ).toThrow('script item 1 has 1048577 bytes')
  const many = Array.from({ length: taskShellLimits.items + 1 }, () => '')
  expect(() => taskShell(many, { directory, allowFailure: false, args: [] })).toThrow('at most 1000 items')
  expect(
    run(
      Array.from({ length: 1000 }, () => 'n=$((n + 1))')
        .concat([])
        .with(999, 'echo "$n"'),
    ).out,
  ).toBe('999\n')
})

test('the examples of docs/pipelines-shell.md hold', () => {
  const page = readFileSync(new URL('../../docs/pipelines-shell.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/^('.*') +→(?: (.*))?$/gm)]
  expect(examples.length).toBeGreaterThan(15)
  for (const [, items = '', result = ''] of examples) {
    const texts = [...items.matchAll(/'([^']*)'/g)].map(([, text = '']) => text.replaceAll('\\n', '\n'))
    const { code, out } = run(texts, { args: ['two words'] })
    const lines = out.replaceAll(directory, '/project').trimEnd().replaceAll('\n', ' / ')
    const told = [lines, code === 0 ? '' : `exit ${code}`].filter((part) => part !== '').join(', ')
    expect(`${items} → ${told}`).toBe(`${items} → ${result}`)
  }
})
