import { useMemo } from 'react'
import { cn } from '../../../lib/cn.ts'
import { jsonTokens, type TokenKind } from './json-tokens.ts'

const colours: Record<TokenKind, string | undefined> = {
  key: 'text-accent',
  string: 'text-passed',
  number: 'text-running',
  word: 'text-running',
  rest: undefined,
}
/** More is shown without colours: a span for each piece of a megabyte stalls the page. */
const mostColoured = 64 * 1024

/** JSON, indented, in colours. */
export function JsonText({ value, className }: { value: unknown; className?: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value])
  const tokens = useMemo(() => (text.length > mostColoured ? null : jsonTokens(text)), [text])
  return (
    <pre className={cn('font-mono text-xs leading-5 break-words whitespace-pre-wrap', className)}>
      {tokens
        ? tokens.map(({ kind, text: piece }, index) =>
            colours[kind] ? (
              <span key={index} className={colours[kind]}>
                {piece}
              </span>
            ) : (
              piece
            ),
          )
        : text}
    </pre>
  )
}
