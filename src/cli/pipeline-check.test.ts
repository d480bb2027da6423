import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { programFor } from './main.ts'
import { commands } from './commands.ts'

afterEach(() => {
  process.exitCode = undefined
})

/** What it prints, and its exit code; errors are thrown. */
async function check(...words: string[]): Promise<{ out: string; code: number }> {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true))
  try {
    const program = await programFor(
      commands.find(({ name }) => name === 'pipeline'),
      () => false,
    )
    await program.parseAsync(['pipeline', 'check', ...words], { from: 'user' })
    return { out: stripVTControlCharacters(out), code: Number(process.exitCode ?? 0) }
  } finally {
    write.mockRestore()
  }
}

function project(files: Record<string, string>): string {
  const dir = scratchDir('c')
  onTestFinished(() => removeScratch(dir))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  return dir
}

test('each mistake with its place, a mark below it, and a sum; exit code 1', async () => {
  const dir = project({
    'pipelines.yml': 'pipelines:\n  a:\n    queue_limits: 2\n    tasks:\n      \u001bt: {depends_on: [xyz]}\n',
    'deep/pipelines.yaml': 'pipelines:\n  b: {tasks: {t: {script: [make]}}}\n',
  })
  const { out, code } = await check(dir)
  expect(code).toBe(1)
  expect(out).toContain(`${dir}/pipelines.yml:3:5: warning: pipelines.a.queue_limits: \`queue_limits\` is not known`)
  expect(out).toContain('\n      queue_limits: 2\n      ^\n')
  expect(out).toMatch(/1 pipeline in 2 files: [1-9] errors?, \d warnings?\n$/)
  expect(out).not.toContain('\u001b')
})

test('what is right is said too; --strict, --json, a file by its name', async () => {
  const dir = project({ 'pipelines.yml': 'pipelines:\n  a: {tasks: {t: {zzz: 1}}}\n' })
  const file = join(dir, 'pipelines.yml')
  const fine = await check(file)
  expect([fine.code, fine.out]).toEqual([0, expect.stringMatching(/1 pipeline in 1 file: 0 errors, 1 warning\n$/)])
  expect((await check(file, '--strict')).code).toBe(1)
  expect(JSON.parse((await check(file, '--json')).out)).toMatchObject({
    pipelines: [{ name: 'a', path: file, tasks: 1 }],
    problems: [{ file, line: 2, column: 19, severity: 'warning' }],
  })
})

test('nothing to check is an error', async () => {
  const dir = project({})
  await expect(check(dir)).rejects.toThrow(`there is no pipelines.yml and no pipelines.yaml below ${dir}`)
  await expect(check(join(dir, 'none'))).rejects.toThrow('there is no such file or directory')
})
