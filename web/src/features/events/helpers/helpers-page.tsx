import { useState } from 'react'
import { Toggle } from '../../../components/button.tsx'
import { CopyButton } from '../../../components/copy-line.tsx'
import { PageHead } from '../../../components/page-head.tsx'
import { readSaved, save } from '../../../lib/saved.ts'
import {
  callName,
  groups,
  helpers,
  languageLabels,
  preambles,
  type Helper,
  type ScriptLanguage,
} from '../../editor/helper-table.ts'

const languages = Object.keys(languageLabels) as ScriptLanguage[]

/** What the helpers of a script do, in the language that it is written in. */
export function HelpersPage() {
  const [language, setLanguage] = useState<ScriptLanguage>(() => {
    const saved = readSaved('helper-language')
    return languages.find((one) => one === saved) ?? 'bash'
  })
  const choose = (one: ScriptLanguage) => {
    setLanguage(one)
    save('helper-language', one)
  }
  return (
    <div className="flex flex-col gap-4">
      <PageHead
        title="Helpers"
        description="How a script gets its input, hands on a result, keeps values, and says how far it is. No network is needed."
      >
        <div role="group" aria-label="Language" className="flex flex-wrap gap-1">
          {languages.map((one) => (
            <Toggle key={one} pressed={language === one} onClick={() => choose(one)}>
              {languageLabels[one]}
            </Toggle>
          ))}
        </div>
      </PageHead>
      <div className="grid items-start gap-6 lg:grid-cols-[12rem_minmax(0,1fr)]">
        <nav aria-label="Helpers" className="sticky top-4 hidden flex-col gap-3 text-sm lg:flex">
          {sections.map(([group, title, members]) => (
            <div key={group}>
              <p className="mb-1 font-semibold text-muted">{title}</p>
              <ul>
                {members.map(({ name }) => (
                  <li key={name}>
                    <a href={`#${name}`} className="block truncate rounded py-0.5 font-mono text-xs hover:text-accent">
                      {callName(name, language).replace(/^runyard[._]/i, '')}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <div className="flex min-w-0 flex-col gap-6">
          <Begin language={language} />
          {sections.map(([group, title, members]) => (
            <section key={group} aria-label={title} className="flex flex-col gap-2">
              <h2 className="text-lg font-semibold">{title}</h2>
              <div className="overflow-hidden rounded-lg border border-line bg-surface">
                {members.map((helper) => (
                  <Entry key={helper.name} helper={helper} language={language} />
                ))}
              </div>
            </section>
          ))}
          <Limits />
        </div>
      </div>
    </div>
  )
}

const sections = (Object.keys(groups) as Helper['group'][]).map(
  (group) => [group, groups[group], helpers.filter((one) => one.group === group)] as const,
)

function Begin({ language }: { language: ScriptLanguage }) {
  const aliases = {
    node: "require('cronium') is the same. Names with capitals and with underscores both work.",
    python: 'import cronium is the same. Names with capitals and with underscores both work.',
    bash: 'source cronium.sh is the same, its functions begin with cronium_. Names with capitals work, too.',
    ruby: 'Names with capitals and with underscores both work.',
    go: 'Run by a Bash event: GO111MODULE=off GOPATH=$RUNYARD_DIR/lib/go:$(go env GOPATH) go run FILE.go',
  }
  return (
    <div className="flex flex-col gap-1.5">
      <Code text={preambles[language]} />
      <p className="text-sm text-muted">{aliases[language]}</p>
    </div>
  )
}

function Entry({ helper, language }: { helper: Helper; language: ScriptLanguage }) {
  return (
    <article
      id={helper.name}
      className="grid scroll-mt-4 gap-x-6 gap-y-2 border-t border-line px-3 py-3 first:border-t-0 target:bg-accent-soft xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]"
    >
      <div className="min-w-0">
        <h3 className="font-mono text-sm font-semibold wrap-anywhere">{callName(helper.name, language)}</h3>
        <p className="mt-0.5 text-sm">{helper.text}</p>
        {helper.more && <p className="text-sm text-muted">{helper.more}</p>}
      </div>
      <Code text={helper.example[language]} />
    </article>
  )
}

function Code({ text }: { text: string }) {
  return (
    <div className="flex min-w-0 items-start gap-1 self-start rounded-md border border-line bg-log py-0.5 pr-0.5 pl-3">
      <pre className="min-w-0 flex-1 overflow-x-auto py-1.5 font-mono text-xs leading-5">{text}</pre>
      <CopyButton text={text} label="Copy the example" />
    </div>
  )
}

function Limits() {
  return (
    <section aria-label="Good to know" className="flex max-w-3xl flex-col gap-2 text-sm">
      <h2 className="text-lg font-semibold">Good to know</h2>
      <ul className="flex list-disc flex-col gap-1 pl-5 text-muted">
        <li>An input or output may have up to 4 GiB; up to 256 KiB of it is shown in the dashboard.</li>
        <li>
          Secrets come as environment variables under the names that the event gives them, and are masked in the log.
        </li>
        <li>A script may ask 200 times a second; the clients wait and try again by themselves.</li>
        <li>
          Without a client: read <code className="font-mono text-xs">$RUNYARD_DIR/input</code>, and write{' '}
          <code className="font-mono text-xs">runyard.output=…</code>,{' '}
          <code className="font-mono text-xs">runyard.condition=true</code> or{' '}
          <code className="font-mono text-xs">runyard.variable.NAME=…</code> to{' '}
          <code className="font-mono text-xs">$RUNYARD_OUTPUT</code>.
        </li>
      </ul>
    </section>
  )
}
