import { createHash } from 'node:crypto'

/** An abstract socket name: the kernel frees it with the process, so it is a lock that survives kill -9. */
export const instanceName = (socketPath: string): string =>
  `\0runyard-launcher-${createHash('sha256').update(socketPath).digest('hex').slice(0, 32)}`

/** Beside the socket; the launcher removes them at its end. */
export const codeCacheName = 'launcher-code'
export const logName = 'launcher.log'

/** Argument of a launcher that belongs to one program. */
export const withClientFlag = '--with-client'
