import { useEffect, useRef, type ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { cn } from '../lib/cn.ts'

interface ModalProps {
  role: 'dialog' | 'alertdialog'
  /** Ids of the elements that name and describe it. */
  titleId: string
  descriptionId?: string
  className?: string
  onClose: () => void
  children: ReactNode
}

/**
 * The browser's own modal dialog: it keeps the focus inside, hides the rest from all readers, closes on Escape and gives
 * the focus back. It is there as long as it is rendered.
 */
export function Modal({ role, titleId, descriptionId, className, onClose, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    const element = dialog.current!
    const before = document.activeElement
    element.showModal()
    // The browser would take the first button, which closes it; one comes to fill in or to answer.
    element.querySelector<HTMLElement>('[data-autofocus], input:not([type=hidden]), textarea, select')?.focus()
    return () => {
      element.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return createPortal(
    <dialog
      ref={dialog}
      role={role}
      aria-modal="true"
      aria-labelledby={titleId}
      aria-describedby={descriptionId}
      onCancel={(event) => {
        if (event.target !== dialog.current) return
        event.preventDefault()
        close.current()
      }}
      onMouseDown={(event) => role === 'dialog' && event.target === dialog.current && close.current()}
      // What is pressed in here is not a key of the page, nor of what the dialog was opened from.
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => event.stopPropagation()}
      className={cn(
        'mx-auto my-0 max-h-[80dvh] overflow-y-auto overscroll-contain rounded-lg border border-line bg-surface p-0 whitespace-normal text-text shadow-xl backdrop:bg-shade',
        className,
      )}
    >
      <div className="p-5">{children}</div>
    </dialog>,
    document.body,
  )
}
