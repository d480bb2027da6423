/** The printed first steps, on a machine where nothing has run yet; and what a login for gRPC leaves possible there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeJoinToken } from '../src/x509/join-token.ts'
import { startSystem, until, type System } from './system.ts'

let system: System

beforeAll(async () => {
  system = await startSystem({}, { up: false })
})
afterAll(async () => {
  await system.cli(['down'])
  await system.stop()
})

test('an authority, a certificate, a login, a runner token, and back', async () => {
  const cli = (...args: string[]) => system.cli(args)
  const inside = join(system.dataDir, 'keys')
  expect(await cli('certs', 'ls')).toMatchObject({ code: 1, stderr: expect.stringContaining('`runyard up`') })
  const made = await cli('certs', 'init')
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Made an authority, until/) })
  expect(made.stderr).toMatch(/^runyard: a server runs in the background at http:.*`runyard down` stops it\n$/)
  expect(await cli('certs', 'issue', '--role', 'admin', 'ann', '--out', inside)).toMatchObject({ code: 0, stderr: '' })
  const facts = join(system.dataDir, 'server.json')
  const address = await until(
    'the gRPC port',
    async () => (JSON.parse(await readFile(facts, 'utf8')) as { grpc?: string }).grpc,
  )
  const login = await cli('login', '--cert', join(inside, 'ann.crt'), address)
  expect({ code: login.code, stderr: login.stderr }).toEqual({ code: 0, stderr: '' })

  // Jobs go over gRPC now; for all else there is the server of this machine.
  expect(await cli('ls')).toMatchObject({ code: 0, stderr: '' })
  const token = await cli('runner', 'token')
  expect(token).toMatchObject({ code: 0, stderr: expect.stringContaining('only this machine reaches') })
  expect(decodeJoinToken(token.stdout).servers).toEqual([address])
  const listed = await cli('certs', 'ls', '-v')
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/ ann +admin /) })
  expect(listed.stderr).toContain(`certs ls does not go over gRPC to ${address}: asking this machine's server`)
  // Whoever names the server means it.
  expect(await cli('queue', 'ls', '--server', address)).toMatchObject({ code: 1, stdout: '' })

  expect((await cli('down')).code).toBe(0)
  const alone = await cli('queue', 'ls')
  expect(alone).toMatchObject({ code: 1, stdout: '' })
  expect(alone.stderr).toContain('--server http://127.0.0.1:8000 (after runyard login http://127.0.0.1:8000)')
  expect((await cli('logout')).code).toBe(0)
  expect((await cli('queue', 'ls')).code).toBe(0)
}, 180_000)
