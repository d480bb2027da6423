import { expect, test } from 'vitest'
import { tokenNotes } from './runner-token.ts'

const made = (servers: string[], tokens_ended = 0) => ({
  id: '1',
  token: 'ryj_',
  expires_at: '',
  servers,
  tokens_ended,
})

test('where the runner goes is always said, and who alone gets there', () => {
  expect(tokenNotes(made(['r.example:50051', '10.0.0.1:50051']), 'web1')).toEqual([
    'the runner will dial r.example:50051, 10.0.0.1:50051',
  ])
  for (const near of ['127.0.0.1:50051', 'localhost:1', '[::1]:50051']) {
    expect(tokenNotes(made([near]), undefined)[1]).toMatch(/^only this machine reaches .*--grpc-host.*--servers/)
  }
  expect(tokenNotes(made(['127.example.org:1']), undefined)).toHaveLength(1)
  expect(tokenNotes(made(['r:1'], 1), 'web1')[1]).toBe('the token that was made for web1 before ends with this one')
})
