import { Command } from 'commander'
import { expect, test } from 'vitest'
import { isOverGrpc, needsWeb } from './needs-web.ts'

const program = new Command('runyard')
const ls = program.command('ls')
const certs = program.command('certs')
const certsLs = certs.command('ls')

test('jobs go over gRPC, the subcommand of the same name of a group does not', () => {
  expect([ls, certsLs, program.command('rm')].map(isOverGrpc)).toEqual([true, false, false])
})

test('the words say the way with the host of the login', () => {
  const refused = needsWeb(certsLs, 'r.example:50051', [])
  expect(refused).toMatchObject({ code: 'failed_precondition' })
  expect(refused.message).toMatch(/^certs ls .*\(r\.example:50051\)/)
  expect(refused.message).toContain('--server http://r.example:8000 (after runyard login http://r.example:8000)')
  expect(refused.message).toContain('runyard logout')
  const saved = needsWeb(certsLs, 'r.example:50051', ['http://other:8000', 'https://r.example:8443']).message
  expect(saved).toContain('--server https://r.example:8443;')
})
