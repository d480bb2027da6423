import { TriangleAlert, WrapText } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { CopyButton } from '../../../components/copy-line.tsx'
import type { PipelineDetail } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'

/** The YAML of the version in force, as it was written. */
export default function SourceTab({ pipeline }: { pipeline: PipelineDetail }) {
  const { path, source_text: text, problems } = pipeline
  const [wrap, setWrap] = useState(false)
  const lines = text.replace(/\n$/, '').split('\n')
  // What is from a file is its part of the file, which has other numbers.
  const numbered = path === null
  const wrong = new Map(numbered ? problems.map(({ line, message }) => [line, sentence(visibleText(message))]) : [])
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <div className="flex items-center gap-2 border-b border-line py-0.5 pr-0.5 pl-3 text-sm text-muted">
        <span className="min-w-0 flex-1 truncate">
          {path === null ? (
            'Stored here'
          ) : (
            <>
              Its part of <span className="font-mono text-xs">{visibleText(path)}</span>
            </>
          )}
        </span>
        <Button size="small" kind="quiet" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          <WrapText aria-hidden className="size-3.5" /> {wrap ? 'Do not wrap' : 'Wrap'}
        </Button>
        <CopyButton text={text} label="Copy the source" />
      </div>
      <div
        role="region"
        aria-label="Source"
        tabIndex={0}
        className="max-h-[max(24rem,calc(100dvh-12rem))] overflow-auto bg-log py-1 font-mono text-xs leading-5"
      >
        <ol className={cn(wrap ? 'break-words whitespace-pre-wrap' : 'w-max min-w-full whitespace-pre')}>
          {lines.map((line, index) => {
            const problem = wrong.get(index + 1)
            return (
              <li key={index} className={cn('flex', problem && 'bg-running-soft')}>
                {numbered ? (
                  <span aria-hidden className="w-12 shrink-0 pr-3 text-right text-muted tabular-nums select-none">
                    {index + 1}
                  </span>
                ) : (
                  <span className="w-3 shrink-0" />
                )}
                <span className="min-w-0 pr-3">{line === '' ? ' ' : line}</span>
                {problem && (
                  <span className="flex items-center gap-1.5 pr-3 font-sans text-running">
                    <TriangleAlert aria-hidden className="size-3.5 shrink-0" /> {problem}
                  </span>
                )}
              </li>
            )
          })}
        </ol>
      </div>
    </div>
  )
}
