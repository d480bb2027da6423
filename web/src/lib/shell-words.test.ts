import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { commandText, shellLine } from './shell-words.ts'

test('a shell reads the line back as the same words', () => {
  const words = ['a b', "it's", '$HOME', '', '*', 'plain-1.txt', '"q"', 'new\nline']
  const back = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${shellLine(words)}`], { encoding: 'utf8' })
  expect(back.split('\0').slice(0, -1)).toEqual(words)
})

test('a shell line is shown as its author wrote it', () => {
  expect(commandText(['bash', '-c', 'echo $HOME | wc'])).toBe('echo $HOME | wc')
  expect(commandText(['bash', '-c', 'echo $1', 'x', 'y'])).toBe("bash -c 'echo $1' x y")
  expect(commandText(['make', 'all'])).toBe('make all')
})
