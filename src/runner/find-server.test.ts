import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onFact, type Fact } from '../lib/facts.ts'
import { findServer } from './find-server.ts'
import { connectToServer } from './grpc-control-plane.ts'
import { createLink } from './link.ts'

const description = {
  ...{ name: 'r', session: 's', version: '1', hostname: 'h', labels: {}, slots: 1, cpuMillis: 1, memoryMib: 1 },
  ...{ executors: [], facilities: {} },
}

test('a machine without a server and never enrolled is told once what to do, and again at the end', async () => {
  const address = { socketPath: join(tmpdir(), 'ry-no-server', 'runner.sock') }
  const words = `no server of this machine at ${address.socketPath}; to join another machine’s: runyard runner enrol TOKEN`
  const facts: Fact[] = []
  const deaf = onFact((fact) => facts.push(fact))
  const server = connectToServer(address)
  const finding = findServer({
    ...{ server, address, description, link: createLink(0), mustWait: false, firstContactMs: 700 },
    signal: new AbortController().signal,
  })
  await expect(finding).rejects.toThrow(`no server found within 0.7 s: ${words}`)
  server.close()
  deaf()
  const lost = facts.filter(({ name }) => name === 'runner.link_lost')
  expect(lost).toEqual([expect.objectContaining({ reason: expect.stringContaining(words) })])
})
