import { useEffect, useRef, type ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { cn } from '../lib/cn.ts'

interface ModalProps {
  role: 'dialog' | 'alertdialog'
  /** Ids of the elements that name and describe it. */
  titleId: string
  descriptionId?: string
  className?: string
  /** In the middle, as high as what is in it; or along the right edge of the window. */
  place?: 'middle' | 'right'
  onClose: () => void
  children: ReactNode
}

const looks = {
  middle: {
    dialog: 'mx-auto my-0 max-h-[94dvh] sm:max-h-[80dvh] rounded-lg border',
    content: 'p-4 sm:p-5',
  },
  right: {
    dialog: 'm-0 ml-auto h-dvh max-h-none max-w-none border-l',
    // On a wide window what is in it scrolls by itself, below a head that stays.
    content: 'flex min-h-full flex-col gap-3 p-3 sm:p-4 xl:h-full',
  },
}

/**
 * The browser's own modal dialog: it keeps the focus inside, hides the rest from all readers, closes on Escape and gives
 * the focus back. It is there as long as it is rendered.
 */
export function Modal({ role, titleId, descriptionId, className, place = 'middle', onClose, children }: ModalProps) {
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
        'overflow-y-auto overscroll-contain border-line bg-surface p-0 whitespace-normal text-text shadow-xl backdrop:bg-shade',
        looks[place].dialog,
        className,
      )}
    >
      <div className={looks[place].content}>{children}</div>
    </dialog>,
    document.body,
  )
}
