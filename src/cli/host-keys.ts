/** First contact: what a host shows, and whether it is the one that was meant. */
import type { ApiClient } from '../api/client.ts'
import type { Host, HostKey } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { confirm } from './prompt.ts'
import { notice, paint } from './render.ts'

/** Null: nobody said yes. */
export async function confirmByAsking(client: ApiClient, name: string): Promise<Host | null> {
  const { keys, host } = await client.calls.hosts.scan({ name })
  const [known, fresh] = [keys.filter((key) => key.confirmed), keys.filter((key) => !key.confirmed)]
  if (fresh.length === 0 && host.key_alarm === null && known.length === host.connection?.keys.length) {
    notice(`${name} shows its confirmed ${known.length === 1 ? 'key' : 'keys'}: nothing to do`)
    return host
  }
  if (host.connection !== null && host.connection.keys.length > 0) {
    notice(paint('yellow', `${name} does not show the confirmed keys, or not them alone:`))
    for (const key of host.connection.keys) notice(`  confirmed  ${key.type} ${key.fingerprint}`)
  }
  for (const key of keys)
    notice(`  ${key.confirmed ? 'shown, confirmed' : paint('yellow', 'shown, new')}  ${lineOf(key)}`)
  notice(`Compare with what the host says of itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`)
  if (!process.stdin.isTTY) {
    const words = keys.map(({ fingerprint }) => `--accept ${fingerprint}`).join(' ')
    throw new AppError('invalid_argument', `no terminal to ask on: runyard host confirm ${name} ${words}`)
  }
  if (!(await confirm(`Is this ${name}?`))) return null
  return client.calls.hosts.confirm({ name, accept: keys.map(({ fingerprint }) => fingerprint) })
}

const lineOf = ({ type, fingerprint }: HostKey): string => `${type} ${fingerprint}`
