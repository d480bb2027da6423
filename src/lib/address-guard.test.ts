import { expect, test } from 'vitest'
import { allowProblem, createAddressGuard, isPublic } from './address-guard.ts'

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.1.1',
  '100.128.0.1',
  '2606:4700:4700::1111',
  '2a00:1450::1',
])('%s is public', (address) => expect(isPublic(address)).toBe(true))

test.each([
  '0.0.0.0',
  '127.0.0.1',
  '127.255.1.2',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.19.255.255',
  '203.0.113.9',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  'fc00::1',
  'fd12::1',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2001::1',
  '100::1',
  'localhost',
  '',
])('%s is not public', (address) => expect(isPublic(address)).toBe(false))

test('what the administrator allows is let through, and nothing beside it', () => {
  const guard = createAddressGuard([
    '10.1.0.0/16',
    '127.0.0.1:8080',
    '*.corp.example',
    'one.example:443',
    '[fd00::5]:80',
    'fd01::/16',
  ])
  const may = (host: string, port: number, address: string): boolean => guard.mayConnect(host, port, address)
  expect(may('a', 1, '10.1.2.3')).toBe(true)
  expect(may('a', 1, '10.2.2.3')).toBe(false)
  expect(may('127.0.0.1', 8080, '127.0.0.1')).toBe(true)
  expect(may('127.0.0.1', 8081, '127.0.0.1')).toBe(false)
  expect(may('x.corp.example', 9, '192.168.0.1')).toBe(true)
  expect(may('X.CORP.EXAMPLE.', 9, '192.168.0.1')).toBe(true)
  expect(may('corp.example', 9, '192.168.0.1')).toBe(false)
  expect(may('evilcorp.example', 9, '192.168.0.1')).toBe(false)
  expect(may('one.example', 443, '192.168.0.1')).toBe(true)
  expect(may('one.example', 80, '192.168.0.1')).toBe(false)
  expect(may('[fd00::5]', 80, 'fd00::5')).toBe(true)
  expect(may('[fd00::6]', 80, 'fd00::6')).toBe(false)
  expect(may('x', 80, 'fd01::77')).toBe(true)
})

test.each(['10.0.0.0/33', '10.0.0.0/a', 'a b', 'http://x', '*', 'a:0', 'a:70000', '10.0.0.0/8/8', 'x/8'])(
  '%s is refused as an entry',
  (entry) => expect(allowProblem(entry)).toContain(entry),
)
