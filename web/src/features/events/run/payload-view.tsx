import { Download } from 'lucide-react'
import { buttonLook } from '../../../components/button.tsx'
import { CopyButton } from '../../../components/copy-line.tsx'
import type { EventRunDetail } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { byteSize } from '../../../lib/time.ts'
import { JsonText } from './json-text.tsx'

type Payload = NonNullable<EventRunDetail['output']>

interface PayloadViewProps {
  payload: Payload
  what: 'input' | 'output'
  className?: string
}

/** What went in or came out: shown when it is small JSON or text, else there to be fetched. */
export function PayloadView({ payload, what, className }: PayloadViewProps) {
  const { type, bytes, url } = payload
  const json = payload.json !== undefined
  const shown = json ? JSON.stringify(payload.json, null, 2) : payload.text
  return (
    <section
      aria-label={what === 'input' ? 'Input' : 'Output'}
      className={cn('flex min-w-0 flex-col overflow-hidden rounded-lg border border-line bg-surface', className)}
    >
      <div className="flex items-center gap-2 border-b border-line py-0.5 pr-1 pl-3 text-sm text-muted">
        <span className="min-w-0 flex-1 truncate tabular-nums">
          {type} · {byteSize(bytes)}
        </span>
        {shown !== undefined && <CopyButton text={shown} label={`Copy the ${what}`} />}
        <a href={url} download className={buttonLook('quiet', 'small')}>
          <Download aria-hidden className="size-3.5" /> Download
        </a>
      </div>
      <div
        tabIndex={0}
        role="region"
        aria-label={`Content of the ${what}`}
        className="min-h-0 flex-1 overflow-auto bg-log p-3"
      >
        {json ? (
          <JsonText value={payload.json} />
        ) : payload.text !== undefined ? (
          <pre className="font-mono text-xs leading-5 break-words whitespace-pre-wrap">{payload.text}</pre>
        ) : (
          <p className="py-8 text-center text-sm text-muted">
            {bytes > 256 * 1024 ? 'It is too large to be shown here.' : 'It is no text.'} Download it to look at it.
          </p>
        )}
      </div>
    </section>
  )
}
