/** What whoever makes a token for another machine has to know about it. */
import type { ApiCalls } from '../api/client.ts'

type Made = Awaited<ReturnType<ApiCalls['runnerTokens']['create']>>

const isLoopback = (server: string): boolean => /^(?:localhost|127\.[\d.]+|\[::1\]):\d+$/i.test(server)

/** Where the runner goes is in the token, and cannot be changed there: a wrong address is found out on the other machine. */
export function tokenNotes({ servers, tokens_ended: ended }: Made, name: string | undefined): string[] {
  const near = servers.filter(isLoopback)
  const notes = [`the runner will dial ${servers.join(', ')}`]
  if (near.length > 0) {
    notes.push(
      `only this machine reaches ${near.join(', ')}: start the server with --grpc-host 0.0.0.0 and --grpc-names HOST, ` +
        'or name --servers HOST:PORT',
    )
  }
  if (ended > 0) notes.push(`the token that was made for ${name} before ends with this one`)
  return notes
}
