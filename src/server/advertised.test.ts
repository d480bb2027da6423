import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { advertised } from './logs.ts'

test('where others are told to find this server', () => {
  const at = (grpcHost: string, grpcNames: string[] = [], grpcAddress?: string) =>
    advertised({ grpcHost, grpcNames, grpcAddress }, `${grpcHost}:4711`)
  expect(at('127.0.0.1', ['r.example'])).toBe('127.0.0.1:4711')
  expect(at('0.0.0.0')).toBe(`${hostname()}:4711`)
  expect(at('0.0.0.0', ['*.example', 'r.example', 'other'])).toBe('r.example:4711')
  expect(at('::', ['fd00::5'])).toBe('[fd00::5]:4711')
  expect(at('0.0.0.0', ['r.example'], 'a:1')).toBe('a:1')
  expect(advertised({ grpcHost: '0.0.0.0', grpcNames: [], grpcAddress: 'a:1' }, undefined)).toBeNull()
})
