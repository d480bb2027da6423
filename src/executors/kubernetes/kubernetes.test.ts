import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig, type DrivenRig } from '../driver/testing/rig.ts'
import { startCluster, type SimulatedCluster } from './testing/api.ts'

let cluster: SimulatedCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.stop())

const image = { name: null, reference: 'registry.test/tools:1', pull: 'missing' } as const
const rigOf = async (): Promise<DrivenRig> => ({
  ...(await createDrivenRig({
    kind: 'kubernetes',
    config: { kubernetes: { config: cluster.config, namespaces: ['default'], images: ['**'] } },
    overrides: { place: { container: image }, spec: { container: { image: image.reference } } },
    leftovers: () => cluster.objects(),
  })),
  oneStream: true,
})

executorConformance('kubernetes (against a simulated API)', rigOf)
