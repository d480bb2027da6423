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
      className={cn('mt-[3vh] w-[min(34rem,calc(100vw-1rem))] sm:mt-[12vh]', className)}
    >
      <div className="sticky top-0 z-10 -mx-4 -mt-4 mb-3 flex items-start justify-between gap-4 bg-surface px-4 pt-4 pb-2 sm:-mx-5 sm:-mt-5 sm:px-5 sm:pt-5">
        <h2 id={`${id}-title`} className="min-w-0 text-lg font-semibold wrap-anywhere">
          {title}
        </h2>
        <IconButton label="Close" className="-mt-1 -mr-1.5" onClick={close}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {description && (
        <p id={`${id}-description`} className="-mt-2 mb-3 text-sm text-muted wrap-anywhere">
          {description}
        </p>
      )}
      {children}
    </Modal>
  )
}

/** The buttons of a long dialog: they stay in sight while what is above them scrolls. */
export function DialogFooter({ children }: { children: ReactNode }) {
  return (
    <div className="sticky bottom-0 z-10 -mx-4 -mb-4 flex flex-wrap justify-end gap-2 border-t border-line bg-surface px-4 py-3 sm:-mx-5 sm:-mb-5 sm:px-5">
      {children}
    </div>
  )
}
