import { expect, test } from 'vitest'
import { withHeldDeadline } from './deadline.ts'

const held = (timeout: string | undefined) => withHeldDeadline({ 'grpc-timeout': timeout, te: 'trailers' })

test('a deadline beyond what a timer counts becomes the longest; others, and what is none, stay', () => {
  for (const long of ['597H', '99999999H', '99999999S', '35792M']) {
    expect(held(long)).toEqual({ 'grpc-timeout': '596H', te: 'trailers' })
  }
  for (const other of ['596H', '35791M', '99999999m', '1n', '0S', 'soon', '', undefined, '999999999H']) {
    expect(held(other)['grpc-timeout']).toBe(other)
  }
})
