import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { cn } from '../lib/cn.ts'
import { sentence } from '../lib/sentence.ts'
import { IconButton } from './button.tsx'

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1600)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = () => void copyText(text).then(setCopied)
  return (
    <IconButton label={copied ? 'Copied' : label} small onClick={copy}>
      {copied ? <Check aria-hidden className="size-3.5 text-passed" /> : <Copy aria-hidden className="size-3.5" />}
    </IconButton>
  )
}

/** The clipboard API exists only on secure origins; on plain http a selection does the same. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

interface CopyLineProps {
  text: string
  /** What it is, for the button's name. */
  what?: string
  className?: string
}

/** A command to be typed elsewhere, or another text to take along, with a button that copies it. */
export function CopyLine({ text, what = 'command', className }: CopyLineProps) {
  return (
    <div
      className={cn(
        'flex max-w-full items-center gap-1 rounded-md border border-line bg-sunken py-0.5 pr-0.5 pl-3',
        className,
      )}
    >
      <code
        tabIndex={0}
        role="group"
        aria-label={sentence(what)}
        className="min-w-0 flex-1 overflow-x-auto py-1 text-left font-mono text-sm whitespace-pre"
      >
        {text}
      </code>
      <CopyButton text={text} label={`Copy the ${what}`} />
    </div>
  )
}
