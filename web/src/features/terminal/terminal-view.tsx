import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import { useEffect, useRef } from 'react'
import { readMessage, type TerminalState } from './terminal-state.ts'
import { terminalTheme } from './terminal-theme.ts'

interface TerminalViewProps {
  host: string
  onState: (state: TerminalState) => void
}

/** One session, from its first letter to its end: a new one is a new component. */
export default function TerminalView({ host, onState }: TerminalViewProps) {
  const box = useRef<HTMLDivElement>(null)
  const told = useRef(onState)
  told.current = onState
  useEffect(() => openSession(box.current!, host, (state) => told.current(state)), [host])
  return (
    <div
      role="group"
      aria-label={`Terminal on ${host}`}
      className="min-h-0 flex-1 overflow-hidden rounded-lg border border-line bg-log p-2"
    >
      <div ref={box} className="h-full" />
    </div>
  )
}

function openSession(box: HTMLElement, host: string, tell: (state: TerminalState) => void): () => void {
  const fit = new FitAddon()
  const terminal = new Terminal({
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-mono') || 'monospace',
    fontSize: 13,
    scrollback: 10_000,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    minimumContrastRatio: 4.5,
    theme: terminalTheme(),
  })
  terminal.loadAddon(fit)
  terminal.open(box)
  fit.fit()
  // All other keys are the shell's, Tab among them: without this one nobody could leave by keyboard.
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.ctrlKey && event.shiftKey && event.key === 'Enter')) return true
    document.querySelector<HTMLElement>('[data-leave-terminal]')?.focus()
    event.preventDefault()
    return false
  })
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  const size = `cols=${terminal.cols}&rows=${terminal.rows}`
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/hosts/${encodeURIComponent(host)}/terminal?${size}`)
  socket.binaryType = 'arraybuffer'
  const send = (data: string | ArrayBuffer) => socket.readyState === WebSocket.OPEN && socket.send(data)
  let over = false
  let left = false
  const end = (state: TerminalState) => {
    if (over || left) return
    over = true
    terminal.options.disableStdin = true
    terminal.options.cursorBlink = false
    tell(state)
  }
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') return terminal.write(new Uint8Array(data))
    const state = readMessage(data)
    if (state?.is === 'closed') return end(state)
    if (state?.is !== 'open' || left) return
    tell(state)
    terminal.focus()
  }
  socket.onclose = () =>
    end({ is: 'closed', reason: 'The connection to the server was cut', exitCode: null, signal: null, error: true })
  const encoder = new TextEncoder()
  terminal.onData((text) => send(encoder.encode(text).buffer))
  terminal.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer))
  terminal.onResize(({ cols, rows }) => send(JSON.stringify({ type: 'resize', cols, rows })))
  const sized = new ResizeObserver(() => fit.fit())
  sized.observe(box)
  const coloured = new MutationObserver(() => (terminal.options.theme = terminalTheme()))
  coloured.observe(document.documentElement, { attributeFilter: ['class'] })
  return () => {
    left = true
    sized.disconnect()
    coloured.disconnect()
    socket.close()
    terminal.dispose()
  }
}
