/** An HTTP request as somebody writes it, and what is expected of the answer. Texts may name `{{secrets.NAME}}`. */
import * as z from 'zod'

export const httpLimits = {
  urlLength: 4096,
  headers: 100,
  bodyBytes: 1024 * 1024,
  redirects: 10,
  assertions: 20,
  /** Of an answer that is kept, when the event does not say less. */
  responseBytes: 64 * 1024 * 1024,
} as const

export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const text = (most: number) => z.string().max(most)
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is no name of a header')

export const httpAuthSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('basic'), username: text(1000), password: text(4000) }),
  z.strictObject({ type: z.literal('bearer'), token: text(16_000) }),
  z.strictObject({ type: z.literal('header'), name: headerName, value: text(16_000) }),
])

export const httpRequestSchema = z.strictObject({
  method: z.enum(httpMethods).default('GET'),
  url: text(httpLimits.urlLength).min(1),
  headers: z
    .record(headerName, text(16_000))
    .refine((all) => Object.keys(all).length <= httpLimits.headers, `at most ${httpLimits.headers} headers`)
    .default({}),
  query: z.record(z.string().min(1).max(200), text(4000)).default({}),
  /** Text as it is, anything else as JSON with its content type. */
  body: z.json().optional(),
  /** Instead of `body`: the run's input, whatever its type and size, streamed. */
  body_from_input: z.boolean().default(false),
  auth: httpAuthSchema.optional(),
  follow_redirects: z.boolean().default(true),
  /** Statuses that are a success; each is a number or a class like `2xx`. */
  expect_status: z
    .array(z.union([z.int().min(100).max(599), z.string().regex(/^[1-5]xx$/)]))
    .min(1)
    .default(['2xx']),
  /** CEL over `status`, `headers`, `body` (text), `json` and `duration_ms`; all must be true. */
  assert: z.array(z.string().min(1).max(1000)).max(httpLimits.assertions).default([]),
  /** Of the answer; what is more ends the request as failed. */
  max_response_bytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .default(httpLimits.responseBytes),
  /** For one request with its redirects; the run's own budget stands over it. */
  timeout_seconds: z.number().min(0.1).max(3600).default(30),
})
export type HttpRequest = z.output<typeof httpRequestSchema>

/** What a runner gets: secrets are filled in, and `allow` is the administrator's (RUNYARD_HTTP_ALLOW). */
export interface HttpOrder {
  request: HttpRequest
  allow: string[]
}
