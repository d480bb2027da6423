/** What a host shows at a first contact. Nobody logs in, nothing secret is sent. */
import { hostKeyType, type PinnedKey } from '../job/host.ts'
import { open, type ConnectOptions, type SshAddress } from './connect.ts'
import { SshError } from './errors.ts'
import { signaturesOf } from './host-keys.ts'

/**
 * Its keys of all types, for an administrator to compare and confirm: until then it may be anybody's. The way through
 * jump hosts is made of real connections, with their pinned keys. Rejects with an SshError.
 */
export async function scanKeys(to: SshAddress, options: ConnectOptions = {}): Promise<PinnedKey[]> {
  const found: PinnedKey[] = []
  // One after another: sshd drops connections when too many of them have not logged in (MaxStartups).
  for (const type of hostKeyType) {
    const key = await scanKey(to, options, type)
    if (key !== undefined) found.push(key)
  }
  if (found.length > 0) return found
  throw new SshError('config', to.name, `host ${to.name} shows no key of a type that is used here`)
}

class Seen extends SshError {
  readonly key: PinnedKey
  constructor(host: string, key: PinnedKey) {
    super('aborted', host, 'its key was seen')
    this.key = key
  }
}

/** Undefined: it has none of this type. */
async function scanKey(
  to: SshAddress,
  options: ConnectOptions,
  type: (typeof hostKeyType)[number],
): Promise<PinnedKey | undefined> {
  try {
    const config = { username: 'runyard', authHandler: [], algorithms: { serverHostKey: [...signaturesOf[type]] } }
    const connection = await open(to, options, config, (key) => new Seen(to.name, key))
    connection.close()
    return undefined
  } catch (error) {
    if (error instanceof Seen) return error.key
    if (error instanceof SshError && error.message.endsWith('no matching host key format')) return undefined
    throw error
  }
}
