import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
  placeholder as placeholderText,
} from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { cn } from '../../lib/cn.ts'
import { completeHelpers, signature, type EditedScript } from './complete-helpers.ts'
import type { CodeEditorProps } from './code-field.tsx'
import { helperOf } from './helper-table.ts'
import { loadLanguage, type CodeLanguage } from './languages.ts'
import { theme } from './theme.ts'

/** An editor for code. Tab indents; Escape, then Tab, goes on to the next field. */
export default function CodeEditor(props: CodeEditorProps) {
  const { value, language, label, invalid, describedBy, className } = props
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const latest = useRef(props)
  latest.current = props
  const grammar = useRef(new Compartment())

  useEffect(() => {
    const editor = new EditorView({
      parent: place.current!,
      state: EditorState.create({ doc: latest.current.value, extensions: extensions(latest, grammar.current) }),
    })
    view.current = editor
    if (latest.current.autoFocus) editor.focus()
    return () => editor.destroy()
  }, [])

  useEffect(() => {
    let wanted = true
    void loadLanguage(language).then((support) => {
      if (!wanted || !view.current) return
      view.current.dispatch({ effects: grammar.current.reconfigure(support) })
    })
    return () => {
      wanted = false
    }
  }, [language])

  useEffect(() => {
    const editor = view.current
    // Changed from elsewhere: another version, the YAML.
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
    }
  }, [value])

  useEffect(() => {
    const content = view.current?.contentDOM
    if (!content) return
    content.setAttribute('aria-label', label)
    if (describedBy) content.setAttribute('aria-describedby', describedBy)
    content.setAttribute('aria-invalid', String(Boolean(invalid)))
  }, [label, describedBy, invalid])

  return (
    <div
      ref={place}
      className={cn(
        'min-h-0 overflow-hidden rounded-md border',
        invalid ? 'border-failed-fill' : 'border-line',
        className,
      )}
    />
  )
}

type Latest = { current: CodeEditorProps }

const isEdited = (language: CodeLanguage): language is EditedScript =>
  language === 'bash' || language === 'python' || language === 'node'

/**
 * There from the first key on, whether the grammar has come or not. One source each, made once: what a source is asked
 * for belongs to the function itself, and a new one for each key would never get to answer.
 */
function helperNames(latest: Latest): Extension {
  const env = () => latest.current.env ?? []
  const sources = {
    bash: [{ autocomplete: completeHelpers({ language: 'bash', env }) }],
    python: [{ autocomplete: completeHelpers({ language: 'python', env }) }],
    node: [{ autocomplete: completeHelpers({ language: 'node', env }) }],
  }
  return EditorState.languageData.of(() => {
    const { language } = latest.current
    return isEdited(language) ? sources[language] : []
  })
}

function extensions(latest: Latest, grammar: Compartment): Extension {
  const { gutter = true, placeholder } = latest.current
  return [
    gutter ? [lineNumbers(), highlightActiveLineGutter()] : [],
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of(latest.current.language === 'python' || latest.current.language === 'bash' ? '    ' : '  '),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    autocompletion(),
    helperNames(latest),
    placeholder ? placeholderText(placeholder) : [],
    helperWords(latest),
    keymap.of([
      {
        key: 'Mod-Enter',
        run: () => {
          latest.current.onRun?.()
          return latest.current.onRun !== undefined
        },
      },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      { key: 'Tab', run: acceptCompletion },
      indentWithTab,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current.onChange(update.state.doc.toString())
    }),
    EditorView.lineWrapping,
    // It has the focus anyhow; what looks for barriers takes only this for a sign of it.
    EditorView.contentAttributes.of({ tabindex: '0' }),
    grammar.of([]),
    theme,
  ]
}

/** What a helper does, at the pointer. */
function helperWords(latest: Latest): Extension {
  return hoverTooltip((view, pos) => {
    const { language } = latest.current
    if (!isEdited(language)) return null
    const line = view.state.doc.lineAt(pos)
    for (const match of line.text.matchAll(/\b(?:runyard|cronium)[._]\w+/g)) {
      const from = line.from + match.index
      const to = from + match[0].length
      const helper = pos >= from && pos <= to ? helperOf(match[0]) : undefined
      if (!helper) continue
      return {
        pos: from,
        end: to,
        above: true,
        create: () => {
          const dom = document.createElement('div')
          dom.className = 'cm-helper'
          const code = document.createElement('code')
          code.textContent = signature(helper.name, language)
          dom.append(code, [helper.text, helper.more].filter(Boolean).join(' '))
          return { dom }
        },
      }
    }
    return null
  })
}
