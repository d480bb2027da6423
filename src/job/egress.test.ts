import { expect, test } from 'vitest'
import { isCovered, isHostName, isIn, parseEgress, parseEgressAllow } from '../lib/egress-rules.ts'
import { egressSchema } from './egress.ts'

test.each<[string, unknown]>([
  ['api.example.com', { to: { name: 'api.example.com' }, ports: [80, 443] }],
  [' API.Example.com:8443 ', { to: { name: 'api.example.com' }, ports: [8443] }],
  ['_srv.x-y.example', { to: { name: '_srv.x-y.example' }, ports: [80, 443] }],
  ['localhost:1', { to: { name: 'localhost' }, ports: [1] }],
  ['*.example.com:65535', { to: { subdomains: 'example.com' }, ports: [65_535] }],
  ['10.1.2.3', { to: { block: '10.1.2.3', bits: 32 }, ports: [80, 443] }],
  ['10.1.0.0/16:5432', { to: { block: '10.1.0.0', bits: 16 }, ports: [5432] }],
  ['0.0.0.0/0:443', { to: { block: '0.0.0.0', bits: 0 }, ports: [443] }],
  ['::1', { to: { block: '::1', bits: 128 }, ports: [80, 443] }],
  ['2001:db8::/32', { to: { block: '2001:db8::', bits: 32 }, ports: [80, 443] }],
  ['[2001:db8::1]:53', { to: { block: '2001:db8::1', bits: 128 }, ports: [53] }],
  ['[2001:DB8::/32]:53', { to: { block: '2001:db8::', bits: 32 }, ports: [53] }],
])('%s is a destination', (entry, rule) => {
  expect(parseEgress(entry)).toEqual(rule)
  expect(parseEgressAllow(entry)).toEqual(rule)
})

test.each([
  ...[
    '',
    ' ',
    '*',
    '**',
    '**:80',
    '*.',
    '.example.com',
    'example.com.',
    'a..b',
    '-a.example',
    'a-.example',
    'exa mple',
  ],
  ...['a.*.example', '*.*.example', '*example.com', 'http://example.com', 'example.com/path', 'user@example.com'],
  ...['example.com:', 'example.com:0', 'example.com:65536', 'example.com:http', 'example.com:80:90', ':80'],
  // What resolvers take for addresses.
  ...['127.1', '2130706433', '0x7f000001', '0177.0.0.1', '1.2.3.4.5', 'a.0x7f', '256.1.1.1', '*.1', '１２７.0.0.1'],
  ...['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/1e1', 'example.com/8', '2001:db8::/129'],
  ...['[10.0.0.1]:80', '[::1', '::1]', '[::1]:', '[::1]:x', '[::1]:0', '[]', 'fe80::1%eth0', '[fe80::1%25eth0]:80'],
  ...['::ffff:10.0.0.1', '[::ffff:a00:1]:80', '::ffff:0:0/96', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}aa`],
])('%j is none', (entry) => {
  expect(parseEgress(entry)).toBeNull()
})

test('the administrator may name all that is public', () => {
  expect(parseEgressAllow('**')).toEqual({ to: { anywhere: true }, ports: [80, 443] })
  expect(parseEgressAllow(' **:22 ')).toEqual({ to: { anywhere: true }, ports: [22] })
  for (const wrong of ['***', '**.example.com', '**:0', '**:', '**:65536']) expect(parseEgressAllow(wrong)).toBeNull()
})

test.each<[string, string[], boolean]>([
  ['api.example.com', ['api.example.com'], true],
  ['API.example.com', ['api.EXAMPLE.com'], true],
  ['api.example.com', [], false],
  ['api.example.com', ['*.example.com'], true],
  ['example.com', ['*.example.com'], false],
  ['evilexample.com', ['*.example.com'], false],
  ['*.example.com', ['example.com', '*.example.com'], true],
  ['*.a.example.com', ['*.example.com'], true],
  ['*.example.com', ['*.a.example.com', 'a.example.com'], false],
  // Each port must be somewhere.
  ['api.example.com', ['api.example.com:443'], false],
  ['api.example.com', ['api.example.com:443', '*.example.com:80'], true],
  ['api.example.com:443', ['api.example.com'], true],
  ['api.example.com:8443', ['api.example.com', '**'], false],
  ['api.example.com:8443', ['**:8443'], true],
  ['*.com', ['**'], true],
  ['8.8.8.8', ['**'], true],
  ['10.0.0.1', ['**'], false],
  ['10.0.0.0/8', ['**'], false],
  ['0.0.0.0/0', ['**'], false],
  ['::1', ['**'], false],
  ['10.1.2.3:5432', ['10.0.0.0/8:5432'], true],
  ['10.1.0.0/16:5432', ['10.0.0.0/8:5432'], true],
  ['10.0.0.0/8:5432', ['10.1.0.0/16:5432'], false],
  ['11.0.0.1', ['10.0.0.0/8'], false],
  ['2001:db8::1', ['2001:db8::/32'], true],
  ['2001:db9::1', ['2001:db8::/32'], false],
  ['0.0.0.0/0', ['::/0'], false],
  ['db.corp:5432', ['10.0.0.0/8:5432'], false],
  ['**', ['**'], false],
  ['a.example', ['no entry!', 'a.example'], true],
])('%s under %j: %s', (entry, allow, answer) => {
  expect(isCovered(entry, allow)).toBe(answer)
})

test('an address is in a block of its own kind', () => {
  expect(isIn({ block: '10.1.2.3', bits: 8 }, '10.255.0.1')).toBe(true)
  expect(isIn({ block: '10.0.0.0', bits: 8 }, '::ffff:10.0.0.1')).toBe(false)
  expect(isIn({ block: '::', bits: 0 }, '10.0.0.1')).toBe(false)
  expect(isIn({ block: '10.0.0.0', bits: 8 }, 'no address')).toBe(false)
})

test('lists are short, and a wrong entry is told', () => {
  expect(egressSchema.safeParse([]).success).toBe(false)
  expect(egressSchema.safeParse(Array.from({ length: 101 }, () => 'a.example')).success).toBe(false)
  expect(egressSchema.safeParse(['a.example', '*']).error?.issues[0]).toMatchObject({ path: [1] })
  expect(isHostName('a'.repeat(254))).toBe(false)
})
