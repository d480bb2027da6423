import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig, type DrivenRig } from '../driver/testing/rig.ts'
import { noSlurm, startCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  if (noSlurm === false) cluster = await startCluster()
})
afterAll(async () => {
  await cluster?.stop()
})

/** Attempt directories of the cluster's side. */
const rigOf = (): Promise<DrivenRig> => {
  const dir = join(cluster.dir, 'jobs')
  mkdirSync(dir, { recursive: true })
  return createDrivenRig({
    kind: 'slurm',
    config: { slurm: { dir, partitions: [], user: 'nobody', conf: cluster.conf } },
    leftovers: ({ tag }) => (existsSync(join(dir, tag)) ? readdirSync(join(dir, tag)) : []),
  })
}

executorConformance('slurm', rigOf, noSlurm)

describe.skipIf(noSlurm)('slurm', () => {
  test('x', () => expect(1).toBe(1))
})
