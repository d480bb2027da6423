import ssh2 from 'ssh2'

/** What is wrong with it; null: it can be used. Says nothing of its content. */
export function privateKeyProblem(key: string, passphrase: string | undefined): string | null {
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (!(parsed instanceof Error)) return parsed.isPrivateKey() ? null : 'is a public key: the private one is needed'
  if (/no passphrase/i.test(parsed.message)) return 'needs its passphrase'
  if (/passphrase|decrypt|integrity/i.test(parsed.message)) return 'does not open: its passphrase is another one'
  return 'cannot be read: give it as OpenSSH writes it'
}
