import { expect, test } from 'vitest'
import { endText, readMessage } from './terminal-state.ts'

test('the words of the server become a state, and those of a newer one nothing', () => {
  expect(readMessage('{"type":"open","host":"web1","idle_seconds":900}')).toEqual({ is: 'open', idleSeconds: 900 })
  const closed = readMessage('{"type":"closed","reason":"the shell ended","code":null,"exit_code":3,"signal":null}')
  expect(closed).toEqual({ is: 'closed', reason: 'the shell ended', exitCode: 3, signal: null, error: false })
  expect(closed?.is === 'closed' && endText(closed)).toBe('the shell ended (exit code 3)')
  expect(readMessage('{"type":"later"}')).toBeNull()
})
