import type { Command } from 'commander'
import { createApiClient } from '../../api/client.ts'
import { globalsOf } from '../globals.ts'
import { print, printJson } from '../render.ts'
import { errorText } from '../report-error.ts'
import { readLogins, savedProfileName, serverInName, serverUrl, writeLogins } from '../saved-logins.ts'

export function define(command: Command): void {
  command.argument('[url]', 'the server (default: the current login)').action(async (given: string | undefined) => {
    const { json, server } = globalsOf(command)
    const logins = await readLogins()
    const named = given ?? server
    const url = named === undefined ? logins.current : (savedProfileName(named, logins.servers) ?? serverUrl(named))
    const login = url === null ? undefined : logins.servers[url]
    if (url === null || login === undefined) return json ? printJson({ server: null }) : print('There is no login.')
    if ('cert' in login) {
      await forget(logins, url)
      if (json) return printJson({ server: serverInName(url), revoked: false })
      return print(
        `Forgot the login to ${serverInName(url)}; the certificate ${login.cert} holds until it is revoked ` +
          `(runyard certs revoke ${login.username})`,
      )
    }
    const revoked = await revoke(url, login.token, login.token_id)
    await forget(logins, url)
    if (json) return printJson({ server: url, revoked: revoked === true })
    print(
      revoked === true
        ? `Signed out of ${url}`
        : `Forgot the login of ${url}; its token could not be revoked: ${revoked}`,
    )
  })
}

async function forget({ current, servers }: Awaited<ReturnType<typeof readLogins>>, name: string): Promise<void> {
  delete servers[name]
  await writeLogins({ current: current === name ? null : current, servers })
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
