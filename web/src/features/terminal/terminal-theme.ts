import type { ITheme } from '@xterm/xterm'

/** The sixteen colours of a terminal, calmer than the usual ones; xterm makes them darker or lighter where one needs it. */
const light = {
  ...{ black: '#3b3d3a', red: '#b3261e', green: '#17693a', yellow: '#8a5a00', blue: '#1f5fa8', magenta: '#8a3a86' },
  ...{ cyan: '#0e5a75', white: '#5f605a', brightBlack: '#6f716b', brightRed: '#d3402f', brightGreen: '#2f8f53' },
  ...{ brightYellow: '#a06c00', brightBlue: '#2b76c9', brightMagenta: '#a54ca0', brightCyan: '#1380a6' },
  brightWhite: '#1c1d1b',
}
const dark = {
  ...{ black: '#4a5057', red: '#ff9186', green: '#6fd394', yellow: '#f0bd4a', blue: '#83b5f2', magenta: '#dd9ad8' },
  ...{ cyan: '#6cc0dc', white: '#c9cccf', brightBlack: '#8b9199', brightRed: '#ffb0a8', brightGreen: '#97e3b3' },
  ...{ brightYellow: '#f7d07c', brightBlue: '#abcdf7', brightMagenta: '#eabce6', brightCyan: '#98d6ea' },
  brightWhite: '#ffffff',
}

/** As the page is coloured now. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    ...(document.documentElement.classList.contains('dark') ? dark : light),
    background: colour('log'),
    foreground: colour('text'),
    cursor: colour('accent'),
    cursorAccent: colour('log'),
    selectionBackground: colour('accent-soft'),
  }
}
