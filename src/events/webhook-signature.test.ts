/** P2: what is not signed over these very bytes, now, is nobody's. Against signatures that are made here by hand. */
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { keyOf, newWebhookSecret, verifyDelivery, type SignedRequest } from './webhook-signature.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const now = new Date('2026-06-01T12:00:00Z')
const seconds = now.getTime() / 1000
const body: Buffer = Buffer.from('{"a": 1.0, "b": "\u{1f680}"}\n')

interface Sent {
  id?: string
  at?: number | string
  key?: Buffer
  over?: Buffer
}
const mac = (key: Buffer, ...parts: (string | Buffer)[]): Buffer => {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}
const signed = ({ id = 'msg_1', at = seconds, key = Buffer.alloc(32, 7), over = body }: Sent = {}) => ({
  'webhook-id': id,
  'webhook-timestamp': String(at),
  'webhook-signature': `v1,${mac(key, `${id}.${at}.`, over).toString('base64')}`,
})
const verdict = (headers: SignedRequest['headers'], secrets = [secret], sent = body) =>
  verifyDelivery('standard', secrets, { headers, body: sent }, now)
const signature = signed()['webhook-signature']

test('what is signed over id, time and body is taken; so is the other secret of a rotation, and one of several', () => {
  expect(verdict(signed())).toEqual({ deliveryId: 'msg_1', bodyHash: null })
  expect(verdict(signed(), [newWebhookSecret('standard'), secret])).toMatchObject({ deliveryId: 'msg_1' })
  const several = `v2,abc v1,${Buffer.alloc(32).toString('base64')} ${signature}`
  expect(verdict({ ...signed(), 'webhook-signature': several })).toMatchObject({ deliveryId: 'msg_1' })
  for (const at of [seconds - 299, seconds + 300])
    expect(verdict(signed({ at }))).toMatchObject({ deliveryId: 'msg_1' })
})

test.each<[string, SignedRequest['headers'], string[], Buffer]>([
  ['no signature', { ...signed(), 'webhook-signature': undefined }, [secret], body],
  ['an empty signature', { ...signed(), 'webhook-signature': '' }, [secret], body],
  ['no stored secret', signed({ key: Buffer.alloc(0) }), [''], body],
  ['no stored secret, and the key that stands in for it', signed({ key: Buffer.alloc(32) }), ['', ''], body],
  ['no secret at all', signed(), [], body],
  ['another secret', signed({ key: Buffer.alloc(32, 8) }), [secret], body],
  ['a prefix of the signature', { ...signed(), 'webhook-signature': signature.slice(0, 20) }, [secret], body],
  ['a prefix with padding', { ...signed(), 'webhook-signature': `${signature.slice(0, 23)}=` }, [secret], body],
  ['the signature and more', { ...signed(), 'webhook-signature': `${signature}AAAA` }, [secret], body],
  ['no version', { ...signed(), 'webhook-signature': signature.slice(3) }, [secret], body],
  ['another version', { ...signed(), 'webhook-signature': signature.replace('v1', 'v1a') }, [secret], body],
  ['a body written again', signed(), [secret], Buffer.from(JSON.stringify(JSON.parse(body.toString())))],
  ['a body with one byte more', signed(), [secret], Buffer.concat([body, Buffer.from(' ')])],
  ['an old timestamp', signed({ at: seconds - 301 }), [secret], body],
  ['one of the future', signed({ at: seconds + 301 }), [secret], body],
  ['one that is no number', signed({ at: 'now' }), [secret], body],
  ['one in other digits', signed({ at: `0x${seconds.toString(16)}` }), [secret], body],
  ['a time that was not signed', { ...signed(), 'webhook-timestamp': String(seconds + 1) }, [secret], body],
  ['an id that was not signed', { ...signed(), 'webhook-id': 'msg_2' }, [secret], body],
  ['no id', signed({ id: '' }), [secret], body],
  ['the id twice', signed({ id: 'msg_1, msg_1' }), [secret], body],
  ['an id with a dot, where time and body could begin', signed({ id: `a.${seconds}` }), [secret], body],
  [
    'a dot moved from id to time',
    { ...signed({ id: 'a.1' }), 'webhook-id': 'a', 'webhook-timestamp': `1.${seconds}` },
    [secret],
    body,
  ],
  ['a list of headers', { ...signed(), 'webhook-signature': [signature, signature] }, [secret], body],
])('refused: %s', (_name, headers, secrets, sent) => {
  expect(verdict(headers, secrets, sent)).toHaveProperty('refused')
})

test('github: over the body alone, so the body tells it from a replay under another id', () => {
  const github = newWebhookSecret('github')
  const headers = {
    'x-github-delivery': 'b3d',
    'x-hub-signature-256': `sha256=${mac(Buffer.from(github), body).toString('hex')}`,
  }
  const check = (more: SignedRequest['headers'] = {}, sent = body, key = github) =>
    verifyDelivery('github', [key], { headers: { ...headers, ...more }, body: sent }, now)
  const taken = check() as { bodyHash: Buffer }
  expect(taken).toMatchObject({ deliveryId: 'b3d' })
  expect(check({ 'x-github-delivery': 'other' })).toEqual({ deliveryId: 'other', bodyHash: taken.bodyHash })
  const hex = headers['x-hub-signature-256']
  for (const given of [undefined, '', hex.slice(0, -2), hex.slice(7), `${hex}00`, hex.replace('sha256', 'sha1')]) {
    expect(check({ 'x-hub-signature-256': given })).toHaveProperty('refused')
  }
  expect(check({ 'x-github-delivery': undefined })).toHaveProperty('refused')
  expect(check({}, Buffer.from('{}'))).toHaveProperty('refused')
  expect(check({}, body, '')).toHaveProperty('refused')
})

test('secrets: base64 after whsec_ where senders mean that, else the text; too short is none', () => {
  expect(keyOf('standard', secret)).toEqual(Buffer.alloc(32, 7))
  expect(keyOf('github', secret)).toEqual(Buffer.from(secret))
  for (const short of ['', 'whsec_', 'whsec_AAAA', 'fifteen letters']) expect(keyOf('standard', short)).toBeNull()
  expect(keyOf('standard', newWebhookSecret('standard'))).toHaveLength(32)
})
