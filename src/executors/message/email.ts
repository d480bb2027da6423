/** Mail over SMTP, with TLS wherever a password is sent. */
import type { Message } from '../../job/message.ts'
import type { EmailInput } from '../../job/tools/email.ts'
import { cut, oneLine, type Answer, type Send } from './sending.ts'

const connectMs = 10_000
const silenceMs = 15_000

export function mailOf({ subject, text, link, delivery_id }: Message, from: string, to: string[]) {
  return {
    // As objects: what is no address cannot become a second one, nor a header.
    from: { name: 'Runyard', address: from },
    to: to.map((address) => ({ name: '', address })),
    subject: oneLine(subject, 200),
    text: cut(text, 100_000) + (link === undefined ? '' : `\n\n${link}`) + '\n',
    // The same at every try, so that a mail that came twice is known by it.
    messageId: `<${delivery_id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Runyard-Delivery': delivery_id },
  }
}

/** Of the tool's action `send`: the head is made as of every mail. */
function toolMailOf(message: Message, input: EmailInput, from: string, own: string[]) {
  const { to = own, cc = [], bcc = [], reply_to, subject, text, html } = input
  const receivers = (list: string[]) => list.map((address) => ({ name: '', address }))
  return {
    ...mailOf({ ...message, subject, text: text ?? '' }, from, to),
    ...(text === undefined && { text: undefined }),
    ...(html !== undefined && { html }),
    cc: receivers(cc),
    bcc: receivers(bcc),
    ...(reply_to !== undefined && { replyTo: { name: '', address: reply_to } }),
  }
}

export const sendEmail: Send<'email'> = async ({ message, settings, signal, say }) => {
  const { createTransport } = await import('nodemailer')
  const server = new URL(settings.smtp_url)
  const secure = server.protocol === 'smtps:'
  const port = server.port === '' ? (secure ? 465 : 587) : Number(server.port)
  const user = decodeURIComponent(server.username)
  const host = server.hostname.replace(/^\[(.*)\]$/, '$1')
  const transport = createTransport({
    host,
    port,
    secure,
    // A password is not sent in the clear.
    requireTLS: !secure && user !== '',
    ...(user === '' ? {} : { auth: { user, pass: decodeURIComponent(server.password) } }),
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: silenceMs,
    dnsTimeout: connectMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const mail = message.tool
    ? toolMailOf(message, message.tool.input as EmailInput, settings.from, settings.to)
    : mailOf(message, settings.from, settings.to)
  say(`mail to ${mail.to.map(({ address }) => address).join(', ')} by ${host}:${port}${secure ? ' (TLS)' : ''}`)
  try {
    const { response, rejected } = await transport.sendMail({
      ...mail,
      signal,
    })
    const but = rejected.length === 0 ? '' : `; not taken for ${rejected.join(', ')}`
    const text = oneLine(response, 300) + but
    say(`answered ${text}`)
    return { result: 'sent', text }
  } catch (error) {
    if (signal.aborted) throw error
    const answer = judge(error as SmtpError, `${host}:${port}`)
    say(answer.text)
    return answer
  } finally {
    transport.close()
  }
}

type SmtpError = Error & { code?: string; responseCode?: number; response?: string }

/** 4xx is passing, 5xx is for good (RFC 5321); without an answer it was the way there. */
function judge({ code, responseCode, response, message }: SmtpError, place: string): Answer {
  if (responseCode !== undefined && response !== undefined) {
    return { result: responseCode >= 500 ? 'refused' : 'failed', text: `${place} answered ${oneLine(response, 300)}` }
  }
  return { result: 'failed', text: `${place}: ${oneLine(message, 200)}${code === undefined ? '' : ` (${code})`}` }
}
