import { useId, useState, type ReactNode } from 'react'
import { problemOf } from '../lib/problem.ts'
import { Alert } from './alert.tsx'
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
  /** What it promises is waited for; if that fails, the dialog stays and says why. */
  onConfirm: () => unknown
}

/** Asks before an act that cannot be taken back. The safe answer has the focus. */
export function Confirm(props: ConfirmProps) {
  return props.open ? <OpenConfirm {...props} /> : null
}

function OpenConfirm({ onOpenChange, title, children, action, refuse, danger, onConfirm }: ConfirmProps) {
  const id = useId()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const close = () => onOpenChange(false)
  const act = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await onConfirm()
      close()
    } catch (error) {
      setProblem(problemOf(error).message)
      setBusy(false)
    }
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
      {problem && <Alert className="mt-4">{problem}</Alert>}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button data-autofocus onClick={close}>
          {refuse}
        </Button>
        <Button kind={danger ? 'danger' : 'primary'} busy={busy} onClick={() => void act()}>
          {action}
        </Button>
      </div>
    </Modal>
  )
}
