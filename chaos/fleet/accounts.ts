/** Who asks a fleet: an administrator and somebody who may only look, with tokens that last whatever the dates do. */
import { signIn } from '../place.ts'

export interface Tokens {
  admin: string
  viewer: string
}

export async function makeAccounts(url: string): Promise<Tokens> {
  const admin = await lasting(url, await signIn(url))
  const account = { username: 'onlooker', password: 'only looks, never acts', role: 'viewer' }
  await post(url, '/users', admin, account)
  return { admin, viewer: await lasting(url, await signIn(url, account)) }
}

/** A session ends by the server's date, which the rig may set. */
async function lasting(url: string, session: string): Promise<string> {
  return ((await post(url, '/tokens', session, { name: 'chaos' })) as { token: string }).token
}

async function post(url: string, path: string, token: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
