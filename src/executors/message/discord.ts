/** A webhook of Discord. */
import type { Message } from '../../job/message.ts'
import type { DiscordInput } from '../../job/tools/discord.ts'
import { post } from './post.ts'
import { cut, oneLine, type Send } from './sending.ts'

const colours = { passed: 0x2e7d4f, failed: 0xc62f3b, neutral: 0x8a8f98 } as const

/** A name that somebody gave a job shall not be bold, a quote or a link. */
const plain = (text: string): string => text.replaceAll(/[\\*_~`|>[\]()#-]/g, String.raw`\$&`)

/** Discord refuses a title over 256 and a text over 4,096 characters. */
export function discordBody({ subject, text, link, tone }: Message): object {
  return {
    // Whatever stands in the text, nobody is called by it.
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: cut(plain(oneLine(subject, 200)), 256),
        description: cut(plain(cut(text, 3000)), 4096),
        color: colours[tone],
        ...(link === undefined ? {} : { url: link }),
      },
    ],
  }
}

/** Of the tool's action `send`. */
export function discordToolBody({ subject, text, embeds, username, mentions }: DiscordInput): object {
  const lines = [...(subject === undefined ? [] : [`**${oneLine(subject, 256)}**`]), text ?? '']
  return {
    ...(mentions ? {} : { allowed_mentions: { parse: [] } }),
    content: cut(lines.filter((line) => line !== '').join('\n'), 2000),
    ...(username !== undefined && { username }),
    ...(embeds !== undefined && { embeds }),
  }
}

export const sendDiscord: Send<'discord'> = ({ message, settings, ...rest }) => {
  const body = message.tool ? discordToolBody(message.tool.input as DiscordInput) : discordBody(message)
  return post({ ...rest, url: settings.url, body: JSON.stringify(body) })
}
