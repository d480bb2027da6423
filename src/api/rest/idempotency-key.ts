import type { CallContext } from './contract-routes.ts'

export function idempotencyKey({ request }: CallContext): string | undefined {
  const header = request.headers['idempotency-key']
  return Array.isArray(header) ? header.join(',') : header
}
