import { CopyButton, CopyLine } from '../../../components/copy-line.tsx'
import { Empty } from '../../../components/page-state.tsx'

const file = `pipelines:
  build:
    tasks:
      test:
        script:
          - echo testing {{ .branch | default "main" }}
      deploy:
        depends_on: [test]
        script:
          - echo deploying`

export function FirstStep() {
  return (
    <Empty title="No pipelines yet">
      <p className="text-muted">
        A pipeline is a graph of tasks that run in order. Write this to{' '}
        <code className="font-mono text-sm">pipelines.yml</code> in the directory of your project,
      </p>
      <div className="flex w-full items-start gap-1 rounded-md border border-line bg-sunken py-0.5 pr-0.5 pl-3">
        <pre
          tabIndex={0}
          role="region"
          aria-label="pipelines.yml"
          className="min-w-0 flex-1 overflow-x-auto py-1 text-left font-mono text-sm"
        >
          {file}
        </pre>
        <CopyButton text={file} label="Copy pipelines.yml" />
      </div>
      <p className="text-muted">
        and start the server with that directory. Changes of the file are seen by themselves.
      </p>
      <CopyLine className="w-full" text="npx runyard up --pipelines DIR" />
    </Empty>
  )
}
