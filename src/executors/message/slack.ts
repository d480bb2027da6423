/** An incoming webhook of Slack, and of what understands its form (Mattermost, Rocket.Chat). */
import type { Message } from '../../job/message.ts'
import { post } from './post.ts'
import { cut, oneLine, type Send } from './sending.ts'

const colours = { passed: '#2e7d4f', failed: '#c62f3b', neutral: '#8a8f98' } as const

/** The three characters that begin a link or a mention of everybody (`<!channel>`). */
const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Slack shows 4,000 characters well; an escaped one is up to five. */
export function slackBody({ subject, text, link, tone }: Message): object {
  const title = plain(oneLine(subject, 300))
  const more = link === undefined ? '' : `\n<${encodeURI(decodeURI(link))}|Open in Runyard>`
  return {
    text: `*${title}*`,
    attachments: [{ color: colours[tone], fallback: title, text: plain(cut(text, 3000)) + more, mrkdwn_in: ['text'] }],
  }
}

export const sendSlack: Send<'slack'> = ({ message, settings, ...rest }) =>
  post({ ...rest, url: settings.url, body: JSON.stringify(slackBody(message)) })
