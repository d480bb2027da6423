import { useBlocker } from '@tanstack/react-router'

/** Asks, in the browser's own words, before what was typed is lost: by a link, the back button or closing the tab. */
export function useLeaveGuard(unsaved: boolean) {
  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      // Signed out meanwhile: staying would only be refused again.
      unsaved && current.pathname !== next.pathname && next.pathname !== '/sign-in'
        ? // oxlint-disable-next-line no-alert
          !window.confirm('Leave this page? What you have typed is lost.')
        : false,
    enableBeforeUnload: () => unsaved,
  })
}
