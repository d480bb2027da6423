/** Health and reflection as foreign clients see them. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { credentials, makeClientConstructor } from '@grpc/grpc-js'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scratchDir, removeScratch } from '../../../test/scratch.ts'
import { secureServer, type ClientCertificate, type SecureServer } from '../../../test/secure-server.ts'
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponseSchema,
} from './gen/grpc/health/v1/health_pb.js'

let server: SecureServer
let viewer: ClientCertificate
beforeAll(async () => {
  server = await secureServer()
  viewer = await server.issue('viewer')
})
afterAll(() => server.close())

test('every certificate may ask for health; a service that is not here is not found', async () => {
  for (const role of ['admin', 'runner', 'server', 'enrol'] as const) {
    const health = server.as(Health, await server.issue(role))
    expect((await health.check({})).status).toBe(Status.SERVING)
    expect((await health.check({ service: 'runyard.v1.JobService' })).status).toBe(Status.SERVING)
    await expect(health.check({ service: 'nobody.Here' })).rejects.toMatchObject({ code: Code.NotFound })
    health.close()
  }
})

test('grpc-js, a client of another making, asks with the same files', async () => {
  const path = '/grpc.health.v1.Health/Check'
  const definition = {
    check: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: () => Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema))),
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
    },
  }
  const tls = credentials.createSsl(Buffer.from(viewer.ca), Buffer.from(viewer.key), Buffer.from(viewer.cert))
  const client = new (makeClientConstructor(definition, 'Health'))(`localhost:${server.grpcPort}`, tls)
  const answer = await new Promise((resolve, reject) => {
    client.check!({}, (error: Error | null, found: unknown) => (error ? reject(error) : resolve(found)))
  })
  expect(answer).toMatchObject({ status: Status.SERVING })
  client.close()
})

test('buf curl lists the services by reflection and calls one', async () => {
  const dir = scratchDir('curl')
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const tls = [
    ...['--cacert', file('ca.crt', viewer.ca)],
    ...['--cert', file('v.crt', viewer.cert), '--key', file('v.key', viewer.key)],
  ]
  const buf = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('buf', ['curl', '--protocol', 'grpc', ...tls, ...args])
    return stdout
  }
  try {
    const base = `https://${server.grpc}`
    const listed = await buf('--list-services', base)
    for (const name of ['JobService', 'runyard.v1.JobService', 'grpc.health.v1.Health']) {
      expect(listed.split('\n')).toContain(name)
    }
    for (const protocol of ['grpc-v1', 'grpc-v1alpha']) {
      const said = await buf('--reflect-protocol', protocol, '-d', '{}', `${base}/runyard.v1.JobService/WhoAmI`)
      expect(JSON.parse(said)).toMatchObject({ username: viewer.name, role: 'viewer' })
    }
  } finally {
    removeScratch(dir)
  }
})

test('one who enrols is not told what else there is', async () => {
  const { ServerReflection } = await import('./gen/grpc/reflection/v1/reflection_pb.js')
  const client = server.as(ServerReflection, await server.issue('enrol'))
  const ask = async (): Promise<void> => {
    async function* requests() {
      yield { messageRequest: { case: 'listServices' as const, value: '' } }
    }
    for await (const _ of client.serverReflectionInfo(requests())) break
  }
  await expect(ask()).rejects.toMatchObject({ code: Code.PermissionDenied })
  client.close()
})
