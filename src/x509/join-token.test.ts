import { beforeAll, expect, test } from 'vitest'
import { createAuthority } from './authority.ts'
import { decodeJoinToken, encodeJoinToken, looksLikeJoinToken, type JoinToken } from './join-token.ts'

let whole: JoinToken
beforeAll(async () => {
  const [old, current] = await Promise.all([1, 2].map(() => createAuthority({ name: 'Runyard', years: 1 })))
  whole = {
    servers: ['r.example:50051', '[::1]:1'],
    name: 'host-1',
    authorityPem: old!.certificatePem + current!.certificatePem,
    certificatePem: current!.certificatePem,
    privateKeyPem: current!.privateKeyPem,
  }
})

test('all of it comes back, in one word that a shell takes as it is', () => {
  const token = encodeJoinToken(whole)
  expect(token).toMatch(/^ryj_[A-Za-z0-9_-]{1000,4000}$/)
  expect(looksLikeJoinToken(` ${token}\n`)).toBe(true)
  expect(decodeJoinToken(` ${token}\n`)).toEqual(whole)
  const unnamed = { ...whole, name: null, servers: ['a:1'] }
  expect(decodeJoinToken(encodeJoinToken(unnamed))).toEqual(unnamed)
})

test('a line that was cut, mistyped or is something else is refused in words, without a letter of it', () => {
  const token = encodeJoinToken(whole)
  const middle = token.length >> 1
  const mistyped = token.slice(0, middle) + (token[middle] === 'A' ? 'B' : 'A') + token.slice(middle + 1)
  const wrong: [string, RegExp][] = [
    ['', /begins with ryj_/],
    ['ry_abc', /begins with ryj_/],
    ['ryj_', /begins with ryj_/],
    ['ryj_AA', /cut off or mistyped/],
    [`${token}!`, /begins with ryj_/],
    [mistyped, /cut off or mistyped/],
    ...[5, 100, middle, token.length - 1].map((length): [string, RegExp] => [
      token.slice(0, length),
      /cut off or mistyped/,
    ]),
  ]
  for (const [text, message] of wrong) {
    let error: unknown
    try {
      decodeJoinToken(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error, text).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
    if (text.length > 20) expect((error as Error).message).not.toContain(text.slice(5, 20))
  }
})
