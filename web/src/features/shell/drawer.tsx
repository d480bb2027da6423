import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { IconButton } from '../../components/button.tsx'
import { Sidebar } from './sidebar.tsx'

interface DrawerProps {
  open: boolean
  onClose: () => void
  onPalette: () => void
  onHelp: () => void
}

/** The sidebar of a narrow screen: the browser's own modal dialog, which keeps the focus inside and closes on Escape. */
export function Drawer({ open, onClose, onPalette, onHelp }: DrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  const after = (act: () => void) => () => (onClose(), act())
  return (
    <dialog
      ref={dialog}
      aria-label="Menu"
      onClose={onClose}
      onClick={(event) => {
        const target = event.target as HTMLElement
        if (target === dialog.current || target.closest('a')) onClose()
      }}
      className="drawer m-0 h-dvh max-h-none w-64 border-r border-line bg-surface text-text backdrop:bg-shade"
    >
      {open && (
        <>
          <IconButton small label="Close the menu" className="absolute top-3 right-2" onClick={onClose}>
            <X aria-hidden className="size-4" />
          </IconButton>
          <Sidebar onPalette={after(onPalette)} onHelp={after(onHelp)} />
        </>
      )}
    </dialog>
  )
}
