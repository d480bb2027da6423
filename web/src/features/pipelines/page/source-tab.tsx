import { CopyButton } from '../../../components/copy-line.tsx'
import type { PipelineDetail } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'

/** The YAML of the version in force, as it was written. */
export default function SourceTab({ pipeline }: { pipeline: PipelineDetail }) {
  const lines = pipeline.source_text.replace(/\n$/, '').split('\n')
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <div className="flex items-center justify-between border-b border-line py-0.5 pr-0.5 pl-3 text-sm text-muted">
        <span className="truncate font-mono text-xs">{visibleText(pipeline.path ?? `${pipeline.name}, stored`)}</span>
        <CopyButton text={pipeline.source_text} label="Copy the source" />
      </div>
      <div
        role="region"
        aria-label="Source"
        tabIndex={0}
        className="max-h-[max(24rem,calc(100dvh-12rem))] overflow-auto bg-log py-1 font-mono text-xs leading-5"
      >
        <ol className="w-max min-w-full">
          {lines.map((line, index) => (
            <li key={index} className="flex whitespace-pre">
              <span aria-hidden className="w-12 shrink-0 pr-3 text-right text-muted tabular-nums select-none">
                {index + 1}
              </span>
              <span className="pr-3">{line === '' ? ' ' : line}</span>
            </li>
          ))}
        </ol>
      </div>
    </div>
  )
}
