import { createHash } from 'node:crypto'

/** An abstract socket name: the kernel frees it with the process, so it is a lock that survives kill -9. */
export const instanceName = (socketPath: string): string =>
  `\0runyard-launcher-${createHash('sha256').update(socketPath).digest('hex').slice(0, 32)}`

/** A process that holds attempts (`serve.ts`): its entry, and what it leaves beside its socket until its end. */
export interface Program {
  /** In the source tree, from `src/executors/`; beside the bundle it is `<name>.js`. */
  name: 'launcher' | 'driver'
  codeCacheName: string
  logName: string
  /** MiB of old objects. */
  heap: number
}
export const launcherProgram: Program = {
  name: 'launcher',
  codeCacheName: 'launcher-code',
  logName: 'launcher.log',
  heap: 64,
}
/** Client libraries, and some hundred connections. */
export const driverProgram: Program = { name: 'driver', codeCacheName: 'driver-code', logName: 'driver.log', heap: 512 }

/** Argument of a launcher that belongs to one program. */
export const withClientFlag = '--with-client'
