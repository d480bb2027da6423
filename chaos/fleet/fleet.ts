/** What a fleet is to those who hurt it and those who judge it. */
import type { Transport } from '@connectrpc/connect'
import type { OwnPostgres } from '../../e2e/outages/postgres.ts'
import type { ProcessId } from '../host.ts'
import type { Managed } from '../managed.ts'
import type { Grounds } from '../stand.ts'
import type { Disk } from './disk.ts'
import type { Machine } from './network.ts'
import type { Proxy } from './proxy.ts'

export interface FleetOptions {
  root?: string
  settings?: Record<string, string>
  servers?: number
  runners?: number
  slots?: number
  /** Spools and log stores on small disks of their own, which can be filled. */
  disks?: boolean
  keep?: boolean
}

export interface FleetServer {
  name: string
  process: Managed
  machine: Machine
  dataDir: string
  runDir: string
  /** Where users reach it, through the proxy. */
  url: string
  rest: Proxy
  database: Proxy
  /** Where other servers reach it. */
  cluster: Proxy
  logDisk: Disk | null
}

export interface FleetRunner {
  name: string
  process: Managed
  machine: Machine
  dataDir: string
  runDir: string
  /** Its way to each of the servers, in their order. */
  links: Proxy[]
  spoolDisk: Disk | null
  launcher(): ProcessId | null
}

export interface Fleet extends Grounds {
  servers: FleetServer[]
  runners: FleetRunner[]
  postgres: OwnPostgres
  /** The date of one process is off by so much. */
  setClock(name: string, seconds: number): void
  /** Starts the servers that do not run, and makes certificates when there are none. */
  startServers(): Promise<void>
  startRunners(): Promise<void>
  isServing(server: FleetServer): Promise<boolean>
  /** The session that it is registered with; null when it is not online. */
  sessionOf(runner: FleetRunner): Promise<string | null>
  /** A way to its gRPC port that no proxy is on, as a runner of this name. */
  transportOf(server: FleetServer, name: string): Promise<Transport>
  /** Asks one server as an administrator. */
  ask(server: FleetServer, method: string, path: string, body?: unknown): Promise<Response>
}

/** Who has a runner's certificate and is none of the runners. */
export const ghostName = 'ghost'
