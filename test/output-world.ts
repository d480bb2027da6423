/** A server, an administrator over mutual TLS and a runner that prints what a test says. */
import { createHash } from 'node:crypto'
import type { Client } from '@connectrpc/connect'
import { JobService, type SubscribeOutputResponse } from '../src/api/grpc/gen/runyard/v1/job_service_pb.js'
import { fakeRunner, type FakeRunner } from './fake-runner.ts'
import { secureServer, type ClientCertificate, type SecureServer } from './secure-server.ts'

export type Assignment = Awaited<ReturnType<FakeRunner['claimOne']>>
export type OutputRequest = Parameters<Client<typeof JobService>['subscribeOutput']>[0]

export interface OutputWorld {
  server: SecureServer
  runner: FakeRunner
  certificate: ClientCertificate
  admin: Client<typeof JobService>
  /** Submitted with these fields of `spec_json`, claimed and reported as started. */
  startedJob(more?: object): Promise<{ jobId: string; assignment: Assignment }>
  /** Everything that a stream gives until it ends. */
  all(request: OutputRequest): Promise<SubscribeOutputResponse[]>
  /** As many MiB on stdout; answers their SHA-256. */
  print(assignment: Assignment, mib: number): Promise<string>
}

export async function outputWorld(): Promise<OutputWorld> {
  const server = await secureServer()
  const runner = await fakeRunner(server.runnerSocket)
  const certificate = await server.issue('admin')
  const admin = server.as(JobService, certificate)
  return {
    ...{ server, runner, certificate, admin },
    async startedJob(more = {}) {
      const { job } = await admin.start({ command: 'x', specJson: JSON.stringify(more) })
      const assignment = await runner.claimOne()
      if (assignment.jobId !== job?.jobId) throw new Error('another job was left over')
      await runner.started(assignment)
      return { jobId: job.jobId, assignment }
    },
    async all(request) {
      const messages: SubscribeOutputResponse[] = []
      for await (const message of admin.subscribeOutput(request)) messages.push(message)
      return messages
    },
    async print(assignment, mib) {
      const sum = createHash('sha256')
      for (let i = 0; i < mib * 16; i++) {
        const bytes = Buffer.alloc(64 * 1024 - (i % 7), i)
        await runner.write(assignment, bytes)
        sum.update(bytes)
      }
      return sum.digest('hex')
    },
  }
}

export const textOf = (messages: SubscribeOutputResponse[], stream: 'stdout' | 'stderr' = 'stdout'): string =>
  messages.map((message) => Buffer.from(message[stream]).toString('latin1')).join('')

export function sumOf(messages: SubscribeOutputResponse[]): string {
  const sum = createHash('sha256')
  for (const { stdout } of messages) sum.update(stdout)
  return sum.digest('hex')
}
