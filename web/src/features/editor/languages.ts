import { StreamLanguage } from '@codemirror/language'
import type { Extension } from '@codemirror/state'

export type CodeLanguage = 'bash' | 'python' | 'node' | 'json' | 'yaml' | 'text'

/** Each is a file of its own: a page with a Bash script loads no parser of Python. */
export async function loadLanguage(language: CodeLanguage): Promise<Extension> {
  switch (language) {
    case 'bash':
      return StreamLanguage.define((await import('@codemirror/legacy-modes/mode/shell')).shell)
    case 'python':
      return (await import('@codemirror/lang-python')).python()
    case 'node':
    case 'json':
      return (await import('@codemirror/lang-javascript')).javascript()
    case 'yaml':
      return (await import('@codemirror/lang-yaml')).yaml()
    case 'text':
      return []
  }
}
