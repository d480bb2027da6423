import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig, type DrivenRig } from '../driver/testing/rig.ts'
import type { DriversConfig } from '../driver/driver.ts'
import type { Overrides } from '../testing/orders.ts'
import { noEngine, startEngine, type TestEngine } from './testing/engine.ts'
import { makeImage } from './testing/images.ts'
import { placesOf } from './place.ts'

const image = 'localhost/runyard-test/sh:1'
let engine: TestEngine
let listed: { name: string; warm: boolean }[] = []

beforeAll(async () => {
  if (noEngine) return
  engine = await startEngine()
  await makeImage(engine.engine, image)
}, 60_000)
afterAll(async () => {
  await engine?.close()
})

const settings = (): NonNullable<DriversConfig['container']> => ({
  socket: engine.socket,
  images: ['localhost/runyard-test/*'],
  networks: [],
  volumes: [],
  ulimits: engine.ulimits,
  warmMost: 4,
})
const inImage = (reference: string, more: object = {}): Overrides => ({
  place: { container: { name: null, reference, pull: 'missing', warm: { least: 0, most: 2 }, ...more } },
})

executorConformance(
  'a container',
  () => createDrivenRig({ kind: 'container', config: { container: settings() }, overrides: inImage(image) }),
  noEngine,
)
