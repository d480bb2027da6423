/** What of a channel's settings must not be read in a log: whole addresses, and their parts that are a secret alone. */
import type { ChannelSettings } from '../../job/message.ts'

export function secretsOf(settings: ChannelSettings): string[] {
  switch (settings.kind) {
    case 'slack':
    case 'discord':
      return ofAddress(settings.url)
    case 'webhook':
      return [
        ...ofAddress(settings.url),
        settings.secret,
        settings.secret.replace(/^whsec_/, ''),
        ...Object.values(settings.headers ?? {}).flatMap((value) => [value, value.replace(/^\w+ +/, '')]),
      ]
    case 'email': {
      const { password } = new URL(settings.smtp_url)
      return [settings.smtp_url, ...pieces([password])]
    }
  }
}

/** A part of a path is an opaque token or a word like `services`; a word of a few letters is nobody's secret. */
const tokenLength = 8

function ofAddress(url: string): string[] {
  const { pathname, search, searchParams, username, password } = new URL(url)
  const path = pathname === '/' ? [] : [pathname + search, pathname]
  const parts = [...pathname.split('/'), ...searchParams.values()].filter((part) => part.length >= tokenLength)
  return [url, ...path, ...pieces([...parts, username, password])]
}

/** As they are written in an address, and as they are. */
const pieces = (texts: string[]): string[] =>
  texts.filter((text) => text !== '').flatMap((text) => [text, decodeURIComponentOr(text)])

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
