/** A timer of Node counts 24.8 days; one for longer fires at once, and a call with a patient deadline would end at once. */
import type { IncomingHttpHeaders } from 'node:http2'

const longestMs = 2 ** 31 - 1
/** 24.8 days. */
const longest = '596H'

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }

/** The headers with a deadline that can be held; what is no deadline is somebody else's to refuse. */
export function withHeldDeadline(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const [, digits = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'])) ?? []
  const tooLong = Number(digits) * (unitMs[unit] ?? 0) > longestMs
  return tooLong ? { ...headers, 'grpc-timeout': longest } : headers
}
