// A file of its own, loaded before the first paint: the content security policy allows no inline script, and a module
// would come too late and let the page flash in the wrong colours.
;(function () {
  let saved = null
  try {
    saved = localStorage.getItem('runyard.theme')
  } catch {
    // storage is switched off: follow the system
  }
  const dark = saved ? saved === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.classList.toggle('dark', dark)
})()
