import type { Connection } from './connect.ts'

/** For commands that leave a server behind: the one that we started just now. Programs read stdout, so it may always be said. */
export function tellBackground({ local, url }: Pick<Connection, 'local' | 'url'>): void {
  if (local?.started !== true) return
  process.stderr.write(`runyard: a server runs in the background at ${url}; \`runyard down\` stops it\n`)
}
