/** For tests: a driver process with containers, on an engine of the test's own. */
import { existsSync, readdirSync } from 'node:fs'
import type { DriversConfig } from '../../driver/driver.ts'
import { createDrivenRig, type DrivenRig } from '../../driver/testing/rig.ts'
import type { Overrides } from '../../testing/orders.ts'
import { placesOf } from '../place.ts'
import type { TestEngine } from './engine.ts'

export const image = 'localhost/runyard-test/sh:1'

export const inImage = (reference: string, more: object = {}): Overrides => ({
  place: { container: { name: null, reference, pull: 'missing', ...more } },
})

export const containerSettings = (engine: TestEngine): NonNullable<DriversConfig['container']> => ({
  socket: engine.socket,
  images: ['localhost/runyard-test/*'],
  networks: [],
  volumes: ['shelf'],
  ulimits: engine.ulimits,
  warmMost: 4,
})

export const containerRig = (
  engine: TestEngine,
  config: Partial<DriversConfig> = {},
  overrides = inImage(image),
): Promise<DrivenRig> =>
  createDrivenRig({ kind: 'container', overrides, config: { container: containerSettings(engine), ...config } })

export interface Seen {
  name: string
  warm: boolean
  running: boolean
}

export async function containersOf({ engine }: TestEngine, { config }: DrivenRig): Promise<Seen[]> {
  const filters = { label: [`runyard.tag=${config.tag}`] }
  const all = await engine.docker.listContainers({ all: true, filters })
  return all.map(({ Names, Labels, State }) => ({
    name: Names[0]!.replace('/', ''),
    warm: Labels['runyard.warm'] === 'true',
    running: State === 'running',
  }))
}

/** Directories of containers. */
export function placesLeft({ config }: DrivenRig): string[] {
  const root = placesOf(config.tag)
  return existsSync(root) ? readdirSync(root) : []
}
