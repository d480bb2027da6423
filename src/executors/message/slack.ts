/** An incoming webhook of Slack, and of what understands its form (Mattermost, Rocket.Chat). */
import type { Message } from '../../job/message.ts'
import type { SlackInput } from '../../job/tools/slack.ts'
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

/** Of the tool's action `send`: the words are its author's, what was filled into them is anybody's. */
export function slackToolBody({ subject, text, blocks, markup }: SlackInput): object {
  const shown = markup ? (words: string) => words : plain
  const lines = [...(subject === undefined ? [] : [`*${shown(oneLine(subject, 300))}*`]), shown(text ?? '')]
  return {
    text: lines.filter((line) => line !== '').join('\n'),
    ...(blocks !== undefined && { blocks: markup ? blocks : withoutMarkup(blocks) }),
  }
}

/** Of Block Kit, texts of type `mrkdwn` are the ones that call somebody. */
function withoutMarkup(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMarkup)
  if (typeof value !== 'object' || value === null) return value
  const { type, text } = value as { type?: unknown; text?: unknown }
  if (type === 'mrkdwn' && typeof text === 'string') return { ...value, text: plain(text) }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutMarkup(inner)]))
}

export const sendSlack: Send<'slack'> = ({ message, settings, ...rest }) => {
  const body = message.tool ? slackToolBody(message.tool.input as SlackInput) : slackBody(message)
  return post({ ...rest, url: settings.url, body: JSON.stringify(body) })
}
