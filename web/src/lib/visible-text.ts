/* oxlint-disable no-control-regex -- control characters are what this file is about */
// What reorders, hides or breaks its neighbours: C0 and C1 controls, bidirectional controls, letters without width.
const unseen = /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
/* oxlint-enable no-control-regex */

/** A name as it is, with what cannot be seen shown by its number (`⟨U+202E⟩`), so that none reads as another one. */
export const visibleText = (text: string): string =>
  text.replace(unseen, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
