import { expect, test } from 'vitest'
import { isUnder } from './policy.ts'
import { refusalOf, signalOf, statusOf } from './status.ts'

test.each([
  ['bwrap: execvp foo: No such file or directory\n', ['foo'], 'start', 'command not found: foo is not in the PATH'],
  ['bwrap: execvp ./a:b: No such file or directory\n', ['./a:b'], 'start', 'command not found: ./a:b does not exist'],
  ['bwrap: execvp /x: Permission denied', ['/x'], 'start', 'not executable: /x'],
  ['setpriv: failed to execute foo: No such file or directory', ['foo'], 'start', 'command not found: foo'],
  ['bwrap: execvp x: Exec format error', ['x'], 'start', 'cannot start x: Exec format error'],
  ["bwrap: Can't chdir to /srv/a: Permission denied", ['x'], 'start', 'cannot enter the working directory /srv/a'],
  ["bwrap: Can't find source path /proc/self/fd/9: Permission denied", ['x'], 'refused', 'cannot be reached'],
  ['bwrap: setting up uid map: Permission denied', ['x'], 'infrastructure', 'sudo npx runyard setup --yes'],
  [
    'bwrap: No permissions to create new namespace, likely because',
    ['x'],
    'infrastructure',
    'unprivileged_userns_clone=1',
  ],
  ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", ['x'], 'infrastructure', 'masked /proc'],
  ['', ['x'], 'infrastructure', 'without a word'],
])('%j', (words, command, errorClass, message) => {
  const refused = refusalOf(words, command)
  expect(refused.errorClass).toBe(errorClass)
  expect(refused.message).toContain(message)
})

test('128+n is a signal only where there is one', () => {
  expect([0, 1, 127, 128, 137, 143, 200, 255, null].map(signalOf)).toEqual([
    null,
    null,
    null,
    null,
    'SIGKILL',
    'SIGTERM',
    null,
    null,
    null,
  ])
})

test('a path is under a directory, not under its namesake', () => {
  expect(isUnder('/logs-evil', '/logs')).toBe(false)
  expect(isUnder('/logs', '/logs/')).toBe(true)
  expect(isUnder('/logs/a', '/logs')).toBe(true)
  expect(isUnder('/anything', '/')).toBe(true)
})

test('whose sandbox it is, bubblewrap says first', () => {
  expect(statusOf('{ "child-pid": 7 }\n\n{"child-pid":1}\n').initPid).toBe(7)
})
