/** Of one session, from the page's side. */
export type TerminalState =
  | { is: 'connecting' }
  | { is: 'open'; idleSeconds: number }
  | { is: 'closed'; reason: string; exitCode: number | null; signal: string | null; error: boolean }

type Closed = Extract<TerminalState, { is: 'closed' }>

/** `The shell ended. Exit code 3.` */
export function endText({ reason, exitCode, signal }: Closed): string {
  const how = signal ?? (exitCode === null || exitCode === 0 ? null : `exit code ${exitCode}`)
  return how === null || reason.includes(how) ? reason : `${reason.replace(/\.$/, '')} (${how})`
}

/** The server's words (`src/api/contract/hosts.ts`) as a state; null for what a newer one may say besides. */
export function readMessage(text: string): TerminalState | null {
  const message = JSON.parse(text) as Record<string, unknown>
  if (message['type'] === 'open') return { is: 'open', idleSeconds: Number(message['idle_seconds']) }
  if (message['type'] !== 'closed') return null
  return {
    is: 'closed',
    reason: String(message['reason']),
    exitCode: typeof message['exit_code'] === 'number' ? message['exit_code'] : null,
    signal: typeof message['signal'] === 'string' ? message['signal'] : null,
    error: message['code'] !== null && message['code'] !== undefined,
  }
}
