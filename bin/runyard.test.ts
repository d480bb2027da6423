import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../test/scratch.ts'

const bin = fileURLToPath(new URL('runyard.js', import.meta.url))

/** A checkout whose program says where it runs from. */
function checkout() {
  const root = scratchDir('door')
  onTestFinished(() => removeScratch(root))
  for (const dir of ['bin', 'src', 'dist']) mkdirSync(join(root, dir))
  cpSync(bin, join(root, 'bin', 'runyard.js'))
  writeFileSync(join(root, 'package.json'), '{"type":"module","version":"7.8.9"}')
  const [source, bundle] = [join(root, 'src', 'main.ts'), join(root, 'dist', 'runyard.js')]
  writeFileSync(source, 'console.log("sources")')
  writeFileSync(bundle, 'console.log("bundle")')
  utimesSync(source, 1e9, 1e9) // what can be set again exactly
  const { size, mtimeMs } = statSync(source)
  writeFileSync(join(root, 'dist', '.inputs'), JSON.stringify({ hash: '', files: [['src/main.ts', size, mtimeMs]] }))
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, [join(root, 'bin', 'runyard.js'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    }).trim()
  return { root, source, run }
}

test('a checkout runs the bundle of just these sources, and the sources once one of them has changed', () => {
  const { root, source, run } = checkout()
  expect(run()).toBe('bundle')
  utimesSync(source, 1e9, 1e9 + 1)
  expect(run()).toBe('sources')
  utimesSync(source, 1e9, 1e9)
  expect(run()).toBe('bundle')
  writeFileSync(source, 'console.log("changed sources")')
  expect(run()).toBe('changed sources')
  rmSync(join(root, 'dist'), { recursive: true })
  expect(run()).toBe('changed sources')
})

test('a bundle that nothing is known about is not run; the packed package has nothing else', () => {
  const { root, run } = checkout()
  rmSync(join(root, 'dist', '.inputs'))
  expect(run()).toBe('sources')
  rmSync(join(root, 'src'), { recursive: true })
  expect(run()).toBe('bundle')
  expect(run('--version')).toBe('7.8.9')
})
