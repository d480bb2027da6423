import tls from 'node:tls'
import type { SMTPServerOptions } from 'smtp-server'
import { expect, onTestFinished, test } from 'vitest'
import type { ChannelSettings } from '../../job/message.ts'
import { createAuthority } from '../../x509/authority.ts'
import { issue } from '../../x509/issue.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { createRequest } from '../../x509/request.ts'
import { run, smtp, start } from '../testing/messages.ts'

const mail = (smtp_url: string, to = ['a@example.com', 'b@example.com']): ChannelSettings => ({
  kind: 'email',
  smtp_url,
  from: 'runyard@example.com',
  to,
})

test('mail without a password', async () => {
  const { port, mails } = await smtp({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] })
  const { outcome, log } = await run(mail(`smtp://127.0.0.1:${port}`))
  expect(outcome).toMatchObject({ state: 'succeeded' })
  expect(mails).toHaveLength(1)
  expect(mails[0]).toContain('Message-ID: <d0d0d0d0d0d0@example.com>')
  expect(mails[0]).toContain('To: a@example.com, b@example.com')
  expect(mails[0]).toContain('Subject: Batch nightly failed: 1 of 2 jobs')
  expect(mails[0]).toContain('https://runyard.example/batches/abcdefghijkl')
  expect(log).toContain(`mail to a@example.com, b@example.com by 127.0.0.1:${port}\nanswered 250`)
})

test('a password goes through TLS alone, and a certificate that nobody vouches for gets none', async () => {
  const heard: string[] = []
  const onAuth: SMTPServerOptions['onAuth'] = (auth, _session, done) => {
    heard.push(auth.password ?? '')
    done(null, { user: 'me' })
  }
  const plain = await smtp({ disabledCommands: ['STARTTLS'], onAuth, allowInsecureAuth: true })
  const inClear = await run(mail(`smtp://me:c4n4ry-pw@127.0.0.1:${plain.port}`))
  expect(inClear.outcome.state).toBe('failed')
  const selfSigned = await smtp({ onAuth })
  const unvouched = await run(mail(`smtp://me:c4n4ry-pw@127.0.0.1:${selfSigned.port}`))
  expect(unvouched.outcome).toMatchObject({ state: 'failed', error_class: 'exit' })
  expect(heard).toEqual([])
  expect(JSON.stringify([inClear, unvouched])).not.toContain('c4n4ry')
})

test('a password goes through STARTTLS and TLS to a server whose certificate holds', async () => {
  const authority = await createAuthority({ name: 'Mail', years: 1 })
  const keys = await generateKeyPair()
  const { certificatePem } = await issue(authority, {
    ...{ request: await createRequest(keys, 'mail'), name: 'mail', role: 'server', uri: 'runyard:certificate:x' },
    ...{ hosts: ['127.0.0.1'], notAfter: new Date(Date.now() + 3_600_000) },
  })
  const trusted = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...trusted, authority.certificatePem])
  onTestFinished(() => tls.setDefaultCACertificates(trusted))
  const heard: string[] = []
  for (const secure of [false, true]) {
    const { port, mails } = await smtp({
      ...{ secure, key: keys.privateKeyPem, cert: certificatePem },
      onAuth(auth, session, done) {
        heard.push(`${auth.username} ${auth.password} ${session.secure}`)
        done(null, { user: 'me' })
      },
    })
    const { outcome, log } = await run(mail(`${secure ? 'smtps' : 'smtp'}://me%40x.org:c4n4ry%3Apw@127.0.0.1:${port}`))
    expect(outcome.state).toBe('succeeded')
    expect(mails).toHaveLength(1)
    expect(log).not.toContain('c4n4ry')
  }
  expect(heard).toEqual(Array(2).fill('me@x.org c4n4ry:pw true'))
})

test('what a mail server refuses for good is not tried again; what it puts off is', async () => {
  const refusing = (responseCode: number) =>
    smtp({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no such box'), { responseCode })),
    })
  const never = await refusing(550)
  expect((await run(mail(`smtp://127.0.0.1:${never.port}`))).outcome).toMatchObject({ error_class: 'refused' })
  const later = await refusing(451)
  expect((await run(mail(`smtp://127.0.0.1:${later.port}`))).outcome).toMatchObject({ error_class: 'exit' })
})

test('a mail server that says nothing is left at a cancel', async () => {
  const silent = await smtp({ onConnect: () => {} })
  const attempt = await start(mail(`smtp://127.0.0.1:${silent.port}`))
  await attempt.stop('cancelled', 0)
  expect(await attempt.ended).toMatchObject({ reason: 'cancelled' })
})
