import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig, type ArgvFlags } from '../config/config.ts'
import { filesIn, writeIdentity } from '../runner/identity-files.ts'
import { tlsRig } from '../runner/tls-rig.ts'
import { runnerAddress } from './runner-address.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-address-'))
})
afterEach(() => rm(dir, { recursive: true }))

const addressFor = (argvFlags: ArgvFlags = {}, env: Record<string, string> = {}) =>
  runnerAddress(loadConfig({ argvFlags, env: { RUNYARD_DATA_DIR: dir, ...env } }), '/run/x')
const socket = { socketPath: '/run/x/runner.sock' }

test('a machine that was not enrolled works for the server of its data directory', async () => {
  expect(await addressFor()).toEqual(socket)
  await expect(addressFor({ server: 'a:1' })).rejects.toThrow(/runyard runner enrol TOKEN, or name one with --cert/)
})

test('one that was enrolled works for those servers, under the name of its certificate', async () => {
  const rig = await tlsRig()
  await writeIdentity(dir, { ...(await rig.issue('runner', 'web1')), servers: [{ host: 'a', port: 1 }] }, false)
  const files = filesIn(join(dir, 'runner-identity'))
  expect(await addressFor()).toEqual({ servers: [{ host: 'a', port: 1 }], files, ownsCa: true, name: 'web1' })
  expect(await addressFor({ server: 'b:2,c:3' })).toMatchObject({ servers: [{ host: 'b' }, { host: 'c' }], files })
  expect(await addressFor({ runnerName: 'web1' })).toMatchObject({ name: 'web1' })
  await expect(addressFor({ runnerName: 'web2' })).rejects.toThrow(/--name: .* certificate is for the runner web1/)
  // As `up` starts the runner beside its server, whatever the environment says to the command line.
  expect(await addressFor({ server: 'local' }, { RUNYARD_SERVER: 'http://elsewhere' })).toEqual({
    ...socket,
    beside: true,
  })
  const ended = { now: new Date(Date.now() - 200_000), notAfter: new Date(Date.now() - 100_000) }
  await writeIdentity(dir, { ...(await rig.issue('runner', 'web1', ended)), servers: [{ host: 'a', port: 1 }] }, true)
  await expect(addressFor()).rejects.toThrow(/runner.crt ended on \d{4}-.*runner enrol --force/)
})

test('a certificate may be named instead; key and authority lie beside it', async () => {
  const rig = await tlsRig()
  const made = await rig.issue('runner', 'web1')
  await mkdir(join(dir, 'pki'))
  const at = (name: string) => join(dir, 'pki', name)
  await writeFile(at('web1.crt'), made.certificatePem)
  await writeFile(at('web1.key'), made.privateKeyPem)
  await writeFile(at('ca.crt'), made.authoritiesPem)
  const files = { cert: at('web1.crt'), key: at('web1.key'), ca: at('ca.crt') }
  const cert = { cert: at('web1.crt') }
  expect(await addressFor({ ...cert, server: 'a' })).toMatchObject({ files, ownsCa: false, name: 'web1' })
  await expect(addressFor(cert)).rejects.toThrow(/--server: say where the servers are/)
  await expect(addressFor({ ...cert, server: 'https://a' })).rejects.toThrow(/without http/)
  await expect(addressFor({ ...cert, server: 'a', ca: at('none') })).rejects.toThrow(/--ca: cannot read/)
})
