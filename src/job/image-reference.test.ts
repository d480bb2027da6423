import { expect, test } from 'vitest'
import { fullReference, imageAllowed, listedReferences, matchesAllowed, partsOf, pinned } from './image-reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['python', 'docker.io/library/python', null, null],
  ['python:3.12', 'docker.io/library/python', '3.12', null],
  ['team/app:1', 'docker.io/team/app', '1', null],
  ['localhost/app', 'localhost/app', null, null],
  ['localhost:5000/app:1', 'localhost:5000/app', '1', null],
  ['r.example/a/b/c:x', 'r.example/a/b/c', 'x', null],
  [`r.example:5000/a@${digest}`, 'r.example:5000/a', null, digest],
  [`r.example/a:1@${digest}`, 'r.example/a', '1', digest],
])('%s is taken apart', (reference, repository, tag, by) => {
  expect(partsOf(reference)).toEqual({ repository, tag, digest: by })
})

test('what an engine looks up', () => {
  expect(fullReference('python')).toBe('docker.io/library/python:latest')
  expect(fullReference(`python:3.12@${digest}`)).toBe(`docker.io/library/python@${digest}`)
  expect(pinned('python:3.12', digest)).toBe(`docker.io/library/python:3.12@${digest}`)
  expect(pinned(`python:3.12@sha256:${'b'.repeat(64)}`, digest)).toBe(`docker.io/library/python:3.12@${digest}`)
})

test('what an engine lists, with the digest of the same repository', () => {
  const digests = [`r.example/copy@${digest}`, `docker.io/library/python@sha256:${'c'.repeat(64)}`]
  expect(listedReferences(['python:3.12', 'localhost/mine:1', '<none>:<none>'], digests)).toEqual([
    `docker.io/library/python:3.12@sha256:${'c'.repeat(64)}`,
    'localhost/mine:1',
  ])
})

test.each([
  [['docker.io/library/*'], 'python:3.12', true],
  [['docker.io/library/*'], `python@${digest}`, true],
  [['docker.io/library/*'], 'team/app', false],
  [['docker.io/**'], 'team/app', true],
  [['docker.io/**'], 'docker.io.evil.example/team/app', false],
  [['python'], 'python:3.12', true],
  [['python'], 'docker.io/library/python:latest', true],
  [['python'], 'pythonic', false],
  [['python'], 'evil.example/python', false],
  [['python:3.*'], 'python:3.12', true],
  [['python:3.*'], 'python:2.7', false],
  [['python:3.12'], `python:3.12@${digest}`, false],
  [[`python:3.12@${digest}`], `python:3.12@${digest}`, true],
  [['r.example:5000/a'], 'r.example:5000/a:7', true],
  [['r.example:5000/a:7'], 'r.example:5000/a:7', true],
  [['r.example:5000/a:7'], 'r.example:5000/a', false],
  [['r.example/a.b'], 'r.example/axb', false],
  [['**'], `any.example/thing/of:1@${digest}`, true],
  [['*'], 'any.example/thing', false],
  [[], 'python', false],
])('%j and %s', (patterns, reference, allowed) => {
  expect(matchesAllowed(reference, patterns)).toBe(allowed)
})

test('without a list: what the catalogue has, and nothing else', () => {
  expect(imageAllowed({ name: 'py', reference: 'python:3' }, [])).toBe(true)
  expect(imageAllowed({ name: null, reference: 'python:3' }, [])).toBe(false)
  expect(imageAllowed({ name: 'py', reference: 'python:3' }, ['r.example/*'])).toBe(false)
  expect(imageAllowed({ name: null, reference: 'r.example/x' }, ['r.example/*'])).toBe(true)
})
