/** A real Runyard with its gRPC port open, certificates made by its command line, and clients that know the seed's text. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { create, createFileRegistry, fromBinary, toBinary, type DescMethod } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import grpc from '@grpc/grpc-js'
import { JobService } from '../../src/api/grpc/gen/runyard/v1/job_service_pb.js'
import { buildSeedProto } from '../../test/seed-proto.ts'
import { exited, freePort, readServerFile, startSystem, until, type System } from '../system.ts'

export interface GrpcSystem extends System {
  /** host:port. */
  target: string
  /** FileDescriptorSet of the seed's text. */
  descriptors: string
  /** Paths of cert, key and ca of an account that is made for it. */
  certificate(role: 'admin' | 'operator' | 'viewer', name: string): Promise<Certificate>
}

export interface Certificate {
  cert: string
  key: string
  ca: string
}

export async function startGrpcSystem(
  settings: Record<string, string> = {},
  options: { up?: boolean } = {},
): Promise<GrpcSystem> {
  const port = await freePort()
  const system = await startSystem({ RUNYARD_GRPC_PORT: String(port), ...settings }, options)
  const { descriptors } = buildSeedProto(system.dataDir)
  return Object.assign(system, {
    target: `127.0.0.1:${port}`,
    descriptors,
    async certificate(role: string, name: string) {
      const out = join(system.dataDir, 'certificates')
      const { code, stderr } = await system.cli(['certs', 'issue', '--role', role, '--out', out, name])
      if (code !== 0) throw new Error(`no certificate for ${name}: ${stderr}`)
      return { cert: join(out, `${name}.crt`), key: join(out, `${name}.key`), ca: join(out, 'ca.crt') }
    },
  })
}

/** Needs a server that answers; the port opens on its own. */
export async function makeAuthority(system: GrpcSystem): Promise<void> {
  const { code, stderr } = await system.cli(['certs', 'init'])
  if (code !== 0) throw new Error(`no authority: ${stderr}`)
  await until('the gRPC port', async () => 'grpc' in (await readServerFile(system)))
}

/** TLS knows servers by name; an address is none to it. */
const servername = 'localhost'

export const pem = ({ cert, key, ca }: Certificate) => ({
  servername,
  cert: readFileSync(cert),
  key: readFileSync(key),
  ca: readFileSync(ca),
})

/** Ours, of `runyard.v1`. */
export const v1Client = (system: GrpcSystem, certificate: Certificate): Client<typeof JobService> =>
  createClient(JobService, createGrpcTransport({ baseUrl: `https://${system.target}`, nodeOptions: pem(certificate) }))

export type SeedClient = grpc.Client & Record<'start' | 'stop' | 'queryStatus', Unary> & { subscribeOutput: Streaming }
type Fields = Record<string, unknown>
type Unary = (
  request: Fields,
  options: grpc.CallOptions,
  done: (error: grpc.ServiceError | null, answer: Fields) => void,
) => grpc.ClientUnaryCall
type Streaming = (request: Fields, options?: grpc.CallOptions) => grpc.ClientReadableStream<Fields>

/** grpc-js, with messages made of the seed's text. */
export function seedClient(system: GrpcSystem, certificate: Certificate): SeedClient {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(system.descriptors)))
  const definition = Object.fromEntries(
    registry.getService('JobService')!.methods.map((method) => [method.localName, grpcMethod(method)]),
  )
  const Foreign = grpc.makeGenericClientConstructor(definition, 'JobService')
  const { ca, key, cert } = pem(certificate)
  const options = { 'grpc.ssl_target_name_override': servername, 'grpc.default_authority': servername }
  return new Foreign(system.target, grpc.credentials.createSsl(ca, key, cert), options) as unknown as SeedClient
}

const grpcMethod = (method: DescMethod): grpc.MethodDefinition<Fields, Fields> => ({
  path: `/JobService/${method.name}`,
  requestStream: false,
  responseStream: method.methodKind === 'server_streaming',
  requestSerialize: (fields) => Buffer.from(toBinary(method.input, create(method.input, fields))),
  requestDeserialize: (bytes) => fromBinary(method.input, bytes) as unknown as Fields,
  responseSerialize: (fields) => Buffer.from(toBinary(method.output, create(method.output, fields))),
  responseDeserialize: (bytes) => fromBinary(method.output, bytes) as unknown as Fields,
})

export const ask = (client: SeedClient, call: 'start' | 'stop' | 'queryStatus', request: Fields): Promise<Fields> =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 30_000
    client[call](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)))
  })

const script = fileURLToPath(new URL('client.py', import.meta.url))

export interface PythonClient {
  process: ChildProcess
  ask(call: string, fields?: Fields): Promise<Fields>
  stop(): Promise<void>
}

/** The first `python3` on the path may be another one than that for which Debian packages grpcio. */
export const systemPython = '/usr/bin/python3'

export function pythonClient(system: GrpcSystem, certificate: Certificate): PythonClient {
  const { target, descriptors } = system
  const child = spawn(systemPython, [script, JSON.stringify({ target, descriptors, ...certificate })], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
  child.stdin.on('error', () => {}) // it has ended: `ask` says so
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    async ask(call, fields = {}) {
      child.stdin.write(`${JSON.stringify({ call, ...fields })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`the python client ended: ${said}`)
      return JSON.parse(value) as Fields
    },
    async stop() {
      child.kill('SIGKILL')
      await exited(child)
    },
  }
}
