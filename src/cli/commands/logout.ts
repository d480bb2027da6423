import type { Command } from 'commander'
import { createApiClient } from '../../api/client.ts'
import { globalsOf } from '../globals.ts'
import { print, printJson } from '../render.ts'
import { errorText } from '../report-error.ts'
import { readLogins, serverUrl, writeLogins } from '../saved-logins.ts'

export function define(command: Command): void {
  command.argument('[url]', 'the server (default: the current login)').action(async (given: string | undefined) => {
    const { json, server } = globalsOf(command)
    const logins = await readLogins()
    const named = given ?? server
    const url = named === undefined ? logins.current : serverUrl(named)
    const login = url === null ? undefined : logins.servers[url]
    if (url === null || login === undefined) return json ? printJson({ server: null }) : print('There is no login.')
    const revoked = await revoke(url, login.token, login.token_id)
    delete logins.servers[url]
    await writeLogins({ current: logins.current === url ? null : logins.current, servers: logins.servers })
    if (json) return printJson({ server: url, revoked: revoked === true })
    print(
      revoked === true
        ? `Signed out of ${url}`
        : `Forgot the login of ${url}; its token could not be revoked: ${revoked}`,
    )
  })
}

async function revoke(url: string, token: string, id: string | undefined): Promise<true | string> {
  if (id === undefined) return 'it was not made by `login`'
  try {
    await createApiClient({ baseUrl: url, token }).calls.tokens.delete({ id })
    return true
  } catch (error) {
    return errorText(error)
  }
}
