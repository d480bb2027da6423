/**
 * Who signed a delivery. `standard`: Standard Webhooks, an HMAC over id, time and body. `github`: X-Hub-Signature-256, an
 * HMAC over the body alone. Over the bytes as they came, and always the whole of the work, whatever is wrong: how long
 * the answer takes says nothing. Pure.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export const webhookSchemes = ['standard', 'github'] as const
export type WebhookScheme = (typeof webhookSchemes)[number]

export interface SignedRequest {
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** `bodyHash`: of what is signed by its body alone, so the same body is the same delivery, whatever its id says. */
export type Verdict = { deliveryId: string; bodyHash: Buffer | null } | { refused: string }

/** How far the sender's clock may be from the database's. */
export const toleranceSeconds = 300

const secretPrefix = 'whsec_'
/** Shorter keys are guessed. */
const shortestKey = 16

/** The bytes that sign: of `standard` what follows `whsec_`, else the text itself. Null: too few, and nothing is signed. */
export function keyOf(scheme: WebhookScheme, secret: string): Buffer | null {
  const key =
    scheme === 'standard' && secret.startsWith(secretPrefix)
      ? Buffer.from(secret.slice(secretPrefix.length), 'base64')
      : Buffer.from(secret)
  return key.length < shortestKey ? null : key
}

export const newWebhookSecret = (scheme: WebhookScheme): string =>
  scheme === 'standard' ? `${secretPrefix}${randomBytes(32).toString('base64')}` : randomBytes(32).toString('hex')

/** `secrets`: any of them may have signed. `now`: the database's. */
export function verifyDelivery(
  scheme: WebhookScheme,
  secrets: readonly string[],
  request: SignedRequest,
  now: Date,
): Verdict {
  return scheme === 'standard' ? verifyStandard(secrets, request, now) : verifyGithub(secrets, request)
}

function verifyStandard(secrets: readonly string[], { headers, body }: SignedRequest, now: Date): Verdict {
  const id = one(headers['webhook-id'])
  const timestamp = one(headers['webhook-timestamp'])
  const given = one(headers['webhook-signature'])
    .split(' ')
    .flatMap((part) => /^v1,([A-Za-z0-9+/]{43}=)$/.exec(part)?.[1] ?? [])
    // More than a sender in the middle of a rotation has.
    .slice(0, 8)
    .map((text) => Buffer.from(text, 'base64'))
  const isSigned = anySigned('standard', secrets, [`${id}.${timestamp}.`, body], given)
  if (!isDeliveryId(id)) return { refused: 'no webhook-id' }
  if (given.length === 0) return { refused: 'no signature' }
  if (!isSigned) return { refused: 'the signature is wrong' }
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : NaN
  // Also when it is no number.
  if (!(Math.abs(now.getTime() / 1000 - seconds) <= toleranceSeconds)) {
    return { refused: `its time is not within ${toleranceSeconds} s` }
  }
  return { deliveryId: id, bodyHash: null }
}

function verifyGithub(secrets: readonly string[], { headers, body }: SignedRequest): Verdict {
  const id = one(headers['x-github-delivery'])
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(one(headers['x-hub-signature-256']))?.[1]
  const given = hex === undefined ? [] : [Buffer.from(hex, 'hex')]
  const isSigned = anySigned('github', secrets, [body], given)
  if (!isDeliveryId(id)) return { refused: 'no X-GitHub-Delivery' }
  if (hex === undefined) return { refused: 'no signature' }
  if (!isSigned) return { refused: 'the signature is wrong' }
  return { deliveryId: id, bodyHash: createHash('sha256').update(body).digest() }
}

function anySigned(
  scheme: WebhookScheme,
  secrets: readonly string[],
  content: (string | Buffer)[],
  given: readonly Buffer[],
): boolean {
  let signed = false
  for (const secret of secrets) {
    const key = keyOf(scheme, secret)
    const hmac = createHmac('sha256', key ?? Buffer.alloc(32))
    for (const part of content) hmac.update(part)
    const expected = hmac.digest()
    for (const one of given) if (timingSafeEqual(one, expected) && key !== null) signed = true
  }
  return signed
}

/**
 * A header that came twice is joined with a comma and a space, and is nobody's id. With a dot in it, `id.time.body` could
 * be divided in another way and be signed all the same.
 */
const isDeliveryId = (id: string): boolean => /^[\x21-\x2d\x2f-\x7e]{1,200}$/.test(id)

const one = (header: string | string[] | undefined): string => (typeof header === 'string' ? header : '')
