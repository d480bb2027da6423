import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { inOptions, jobRequest } from './options.ts'

function problem(command: unknown, ...rest: unknown[]): AppError {
  try {
    jobRequest(command, rest)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('was accepted')
}

test('the three ways to write a command are one', () => {
  const commands = [
    jobRequest('echo', ['a', 'b']),
    jobRequest('echo', ['a', 'b', { name: 'n' }]),
    jobRequest('echo', [{ args: ['a', 'b'], name: 'n' }]),
  ].map(({ spec }) => spec.command)
  expect(commands).toEqual(Array(3).fill(['echo', 'a', 'b']))
})

test('limits over defaults; those that were asked for are named', () => {
  const { limits, named } = jobRequest('true', [{ limits: { memoryBytes: 8 << 20, cpu: undefined } }])
  expect(limits).toMatchObject({ memory_bytes: 8 << 20, cpu: 1, pids: 256 })
  expect(named).toEqual(['memory_bytes'])
})

test('secrets are no part of the specification', () => {
  const request = jobRequest('true', [{ env: { A: '1' }, secretEnv: { KEY: 'hidden' } }])
  expect(request).toMatchObject({ env: { A: '1' }, secretEnv: { KEY: 'hidden' } })
  expect(JSON.stringify(request.spec)).not.toContain('hidden')
})

test('every wrong field at once, by the name that its author used', () => {
  const error = problem('true', { limits: { memoryBytes: 1 }, timeoutSeconds: -1, secretEnv: { '1x': '' } })
  expect(error.code).toBe('invalid_argument')
  expect(error.fields.map(({ field }) => field)).toEqual(['secretEnv.1x', 'timeoutSeconds', 'limits.memoryBytes'])
  expect(problem('true', 'a', 5).fields[0]?.field).toBe('args[1]')
  expect(problem('').fields[0]?.field).toBe('command')
  expect(problem('true', { binds: [{ path: 'relative' }] }).fields[0]?.field).toBe('binds[0].path')
})

test('what is wrong is said in our words', () => {
  const words = (command: unknown, ...rest: unknown[]): string => problem(command, ...rest).message
  expect(words(undefined)).toBe('command: is required')
  expect(words(5)).toBe('command: must be text')
  expect(words('true', { limits: { pids: 1.5 } })).toBe('limits.pids: must be a whole number')
  expect(words('true', { network: 'all' })).toBe('network: must be one of "none", "host", "egress"')
  expect(words('true', { binds: [{ path: '/srv', way: 'rw' }] })).toBe('binds[0].way: is not a known field')
})

test('the executor’s sentences have the names that the caller knows; paths stay', () => {
  expect(inOptions('the limit memory_bytes cannot be enforced')).toBe('the limit memoryBytes cannot be enforced')
  expect(inOptions('working_dir /srv/working_dir is away')).toBe('workingDir /srv/working_dir is away')
})

test('unknown options and mixtures are refused', () => {
  expect(problem('true', { comand: 'x' }).message).toMatch(/^comand: is no option of a job; there are args, name/)
  expect(problem('true', { limits: { memory: 1 } }).fields[0]?.field).toBe('limits.memory')
  expect(problem('true', 'a', { args: ['b'] }).fields[0]?.field).toBe('args')
  expect(problem('true', { args: 'b' }).fields[0]?.field).toBe('args')
  expect(problem('true', { limits: null }).fields[0]?.field).toBe('limits')
  expect(problem('true', null).fields[0]?.field).toBe('args[0]')
  expect(problem('true', JSON.parse('{"__proto__": {"name": "x"}}')).fields[0]?.field).toBe('__proto__')
})
