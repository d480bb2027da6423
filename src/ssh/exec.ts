import type { ClientChannel } from 'ssh2'
import type { SshConnection } from './connect.ts'
import { SessionRefused, SshError } from './errors.ts'

/** A session with a command line, which a shell there reads. Rejects with an SshError. */
export function execOn({ client, closed }: SshConnection, host: string, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void =>
      reject(
        /open failed/i.test(error.message)
          ? new SessionRefused(host, error.message)
          : new SshError('unreachable', host, `host ${host} opened no session: ${error.message}`),
      )
    void closed.then(() => refuse(new Error('the connection was cut')))
    try {
      client.exec(command, (error, channel) => (error ? refuse(error) : resolve(channel)))
    } catch (error) {
      refuse(error as Error)
    }
  })
}
