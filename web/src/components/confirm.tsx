import { useId, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { Modal } from './modal.tsx'

interface ConfirmProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  children: ReactNode
  /** The act in one or two words; never "OK". */
  action: string
  refuse: string
  danger?: boolean
  onConfirm: () => void
}

/** Asks before an act that cannot be taken back. The safe answer has the focus. */
export function Confirm({ open, onOpenChange, title, children, action, refuse, danger, onConfirm }: ConfirmProps) {
  const id = useId()
  if (!open) return null
  const close = () => onOpenChange(false)
  const act = () => {
    close()
    onConfirm()
  }
  return (
    <Modal
      role="alertdialog"
      titleId={`${id}-title`}
      descriptionId={`${id}-text`}
      onClose={close}
      className="mt-[20vh] w-[min(28rem,calc(100vw-2rem))]"
    >
      <h2 id={`${id}-title`} className="text-lg font-semibold">
        {title}
      </h2>
      <div id={`${id}-text`} className="mt-2 text-base text-muted">
        {children}
      </div>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button data-autofocus onClick={close}>
          {refuse}
        </Button>
        <Button kind={danger ? 'danger' : 'primary'} onClick={act}>
          {action}
        </Button>
      </div>
    </Modal>
  )
}
