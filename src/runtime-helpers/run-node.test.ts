/** What a Node script may count on that is run by `js/run.cjs`. */
import { expect, test } from 'vitest'
import { scriptBench } from './testing/run-script.ts'

const { dir, run } = scriptBench()

test.concurrent('await beside require, and what Node gives a script', async () => {
  const script = [
    '#!/usr/bin/env node',
    'const { basename } = require("node:path")',
    'const { setTimeout: sleep } = await import("node:timers/promises")',
    'await sleep(1)',
    'exports.a = module.exports === exports',
    'const same = require("cronium") === require("runyard")',
    'console.log(basename(__filename), __dirname, process.argv.length, require.main === module, exports.a, same)',
  ].join('\n')
  const { stdout, stderr, code } = await run('await.cjs', script)
  expect({ stdout, stderr, code }).toEqual({ stdout: `await.cjs ${dir} 2 true true true\n`, stderr: '', code: 0 })
})

test.concurrent('a module imports both names', async () => {
  const script =
    'import cronium from "cronium"\nimport { getVariable } from "runyard"\nawait null\nconsole.log(cronium.getVariable === getVariable)\n'
  expect(await run('module.mjs', script)).toEqual({ stdout: 'true\n', stderr: '', code: 0 })
})

test.concurrent('an error ends with 1 and names its line and column', async () => {
  const thrown = await run('error.cjs', 'throw new Error("at once")')
  expect(thrown).toMatchObject({ code: 1, stderr: expect.stringMatching(/error\.cjs:1:7\b/) })
  const later = await run('later.cjs', 'await null\n\n  throw new Error("on three")\n')
  expect(later).toMatchObject({ code: 1, stderr: expect.stringMatching(/later\.cjs:3:9\b/) })
  expect(later.stderr).toContain('on three')
  const wrong = await run('wrong.cjs', 'const a = 1\nconst b = = 2\n')
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('wrong.cjs:2') })
  const forgotten = await run(
    'forgotten.cjs',
    'Promise.reject(new Error("nobody waits"))\nawait new Promise((r) => setTimeout(r, 5000))\n',
  )
  expect(forgotten).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody waits') })
})

test.concurrent('an await that never ends is told, not taken for success', async () => {
  const { code, stderr } = await run('never.cjs', 'console.log("begun")\nawait new Promise(() => {})\n')
  expect(code).toBe(13)
  expect(stderr).toContain('never.cjs: an await never ended')
})

test.concurrent('it may end itself', async () => {
  const exit = await run('exit.cjs', 'await null\nconsole.log("a")\nprocess.exit(7)\nconsole.log("b")\n')
  expect(exit).toEqual({ code: 7, stdout: 'a\n', stderr: '' })
  const set = await run('set.cjs', 'process.exitCode = 5\nsetTimeout(() => console.log("late"), 5)\n')
  expect(set).toEqual({ code: 5, stdout: 'late\n', stderr: '' })
})
