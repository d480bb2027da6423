import { X } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'
import { IconButton } from './button.tsx'
import { Modal } from './modal.tsx'

interface DialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description?: string
  className?: string
  children: ReactNode
}

export function Dialog({ open, onOpenChange, title, description, className, children }: DialogProps) {
  const id = useId()
  if (!open) return null
  const close = () => onOpenChange(false)
  return (
    <Modal
      role="dialog"
      titleId={`${id}-title`}
      descriptionId={description ? `${id}-description` : undefined}
      onClose={close}
      className={cn('mt-[12vh] w-[min(34rem,calc(100vw-2rem))]', className)}
    >
      <div className="mb-3 flex items-start justify-between gap-4">
        <h2 id={`${id}-title`} className="text-lg font-semibold">
          {title}
        </h2>
        <IconButton label="Close" className="-mt-1 -mr-1.5" onClick={close}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {description && (
        <p id={`${id}-description`} className="mb-3 text-sm text-muted">
          {description}
        </p>
      )}
      {children}
    </Modal>
  )
}
