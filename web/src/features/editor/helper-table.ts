/** The helpers of a script, for completion, for the words at the pointer and for the page that explains them. */
export type ScriptLanguage = 'node' | 'python' | 'bash' | 'ruby' | 'go'

export const languageLabels: Record<ScriptLanguage, string> = {
  node: 'JavaScript',
  python: 'Python',
  bash: 'Bash',
  ruby: 'Ruby',
  go: 'Go',
}

export interface Helper {
  /** As in JavaScript; `snakeName` is how Python, Bash and Ruby also know it. */
  name: string
  /** What it does, one sentence; more in `more`. */
  text: string
  more?: string
  group: 'data' | 'variables' | 'outcome' | 'messages'
  /** Arguments as they are written in a call, without the parentheses. */
  args: string
  /** Per language, where a call with the arguments above would not do. */
  example: Record<ScriptLanguage, string>
}

export const groups: Record<Helper['group'], string> = {
  data: 'Input and output',
  variables: 'Variables',
  outcome: 'Condition, progress and the event',
  messages: 'Messages',
}

export const helpers: Helper[] = [
  {
    name: 'input',
    group: 'data',
    args: '',
    text: 'What the run was given: a JSON value, a text, bytes, or nothing.',
    more: 'It comes from the event before, a webhook, a schedule, or who ran it.',
    example: {
      node: 'const order = await runyard.input()',
      python: 'order = runyard.input()',
      bash: 'order=$(runyard_input)',
      ruby: 'order = Runyard.input',
      go: 'var order Order\nthere, err := runyard.Input(&order)',
    },
  },
  {
    name: 'output',
    group: 'data',
    args: 'value',
    text: 'The result of the run: what follows gets it as its input. The last one counts.',
    example: {
      node: 'await runyard.output({ total: 12, rows })',
      python: 'runyard.output({"total": 12, "rows": rows})',
      bash: `runyard_output '{"total": 12}'`,
      ruby: 'Runyard.output({total: 12, rows: rows})',
      go: 'err := runyard.Output(map[string]any{"total": 12})',
    },
  },
  {
    name: 'inputFile',
    group: 'data',
    args: 'path',
    text: 'Writes the input to a file, whatever its size, and gives the path.',
    example: {
      node: "await runyard.inputFile('dump.tar')",
      python: "runyard.input_file('dump.tar')",
      bash: 'runyard_input_file dump.tar',
      ruby: "Runyard.input_file('dump.tar')",
      go: 'there, err := runyard.InputFile("dump.tar")',
    },
  },
  {
    name: 'outputFile',
    group: 'data',
    args: 'path',
    text: 'A file as the result, of up to 4 GiB; memory stays small.',
    example: {
      node: "await runyard.outputFile('report.pdf', { type: 'application/pdf' })",
      python: "runyard.output_file('report.pdf', type='application/pdf')",
      bash: 'runyard_output_file report.pdf application/pdf',
      ruby: "Runyard.output_file('report.pdf', type: 'application/pdf')",
      go: 'err := runyard.OutputFile("report.pdf", "application/pdf")',
    },
  },
  {
    name: 'inputStream',
    group: 'data',
    args: '',
    text: 'The input as a stream, piece by piece.',
    example: {
      node: 'for await (const piece of await runyard.inputStream()) hash.update(piece)',
      python: 'with runyard.input_stream() as stream:\n    while piece := stream.read(65536): digest.update(piece)',
      bash: 'runyard_input_stream | sha256sum',
      ruby: 'Runyard.input_stream { |piece| digest << piece }',
      go: 'stream, contentType, err := runyard.InputStream()',
    },
  },
  {
    name: 'outputStream',
    group: 'data',
    args: 'stream',
    text: 'A stream as the result; it is sent while it is made.',
    example: {
      node: 'await runyard.outputStream(gzip)',
      python: 'runyard.output_stream(pieces)',
      bash: 'tar cz data | runyard_output_stream application/gzip',
      ruby: 'Runyard.output_stream(io)',
      go: 'err := runyard.OutputStream(reader, "application/gzip")',
    },
  },
  {
    name: 'getVariable',
    group: 'variables',
    args: 'name',
    text: 'The value of a variable: one’s own before a global one. None when it does not exist.',
    more: 'A secret only when the event lists it under its secrets.',
    example: {
      node: "const since = await runyard.getVariable('last_seen')",
      python: "since = runyard.get_variable('last_seen')",
      bash: 'since=$(runyard_get_variable last_seen)',
      ruby: "since = Runyard.get_variable('last_seen')",
      go: 'var since string\nfound, err := runyard.GetVariable("last_seen", &since)',
    },
  },
  {
    name: 'setVariable',
    group: 'variables',
    args: 'name, value',
    text: 'Keeps a value under a name, for later runs and other events.',
    example: {
      node: "await runyard.setVariable('last_seen', new Date().toISOString())",
      python: "runyard.set_variable('last_seen', newest)",
      bash: 'runyard_set_variable last_seen "$newest"',
      ruby: "Runyard.set_variable('last_seen', newest)",
      go: 'err := runyard.SetVariable("last_seen", newest)',
    },
  },
  {
    name: 'incrementVariable',
    group: 'variables',
    args: 'name',
    text: 'Adds to a number and gives the new one. Several at once lose nothing.',
    example: {
      node: "const n = await runyard.incrementVariable('runs', 1)",
      python: "n = runyard.increment_variable('runs', 1)",
      bash: 'n=$(runyard_increment_variable runs 1)',
      ruby: "n = Runyard.increment_variable('runs', 1)",
      go: 'n, err := runyard.IncrementVariable("runs", 1)',
    },
  },
  {
    name: 'appendVariable',
    group: 'variables',
    args: 'name, text',
    text: 'Adds to the end of a text and gives the whole. Several at once lose nothing.',
    example: {
      node: "await runyard.appendVariable('seen', id + '\\n')",
      python: "runyard.append_variable('seen', id + '\\n')",
      bash: 'runyard_append_variable seen "$id"',
      ruby: 'Runyard.append_variable(\'seen\', "#{id}\\n")',
      go: 'all, err := runyard.AppendVariable("seen", id+"\\n")',
    },
  },
  {
    name: 'variableExists',
    group: 'variables',
    args: 'name',
    text: 'Whether there is a variable of that name.',
    example: {
      node: "if (await runyard.variableExists('token')) …",
      python: "if runyard.variable_exists('token'): …",
      bash: 'if runyard_variable_exists token; then …; fi',
      ruby: "puts 'there' if Runyard.variable_exists('token')",
      go: 'there, err := runyard.VariableExists("token")',
    },
  },
  {
    name: 'deleteVariable',
    group: 'variables',
    args: 'name',
    text: 'Takes a variable away; whether there was one.',
    example: {
      node: "await runyard.deleteVariable('last_seen')",
      python: "runyard.delete_variable('last_seen')",
      bash: 'runyard_delete_variable last_seen',
      ruby: "Runyard.delete_variable('last_seen')",
      go: 'existed, err := runyard.DeleteVariable("last_seen")',
    },
  },
  {
    name: 'listVariables',
    group: 'variables',
    args: '',
    text: 'Names, scopes and which are secrets; no values.',
    example: {
      node: 'for (const { name } of await runyard.listVariables()) console.log(name)',
      python: 'for one in runyard.list_variables(): print(one["name"])',
      bash: 'runyard_list_variables',
      ruby: "Runyard.list_variables.each { |one| puts one['name'] }",
      go: 'all, err := runyard.ListVariables()',
    },
  },
  {
    name: 'setCondition',
    group: 'outcome',
    args: 'value',
    text: 'True or false: actions that fire “when its condition is true” ask for it.',
    example: {
      node: 'await runyard.setCondition(errors > 0)',
      python: 'runyard.set_condition(errors > 0)',
      bash: 'runyard_set_condition true',
      ruby: 'Runyard.set_condition(errors > 0)',
      go: 'err := runyard.SetCondition(errors > 0)',
    },
  },
  {
    name: 'progress',
    group: 'outcome',
    args: 'percent, text',
    text: 'How far it is, in percent, and with what it is busy; shown live.',
    example: {
      node: "await runyard.progress(40, 'page 4 of 10')",
      python: "runyard.progress(40, 'page 4 of 10')",
      bash: 'runyard_progress 40 "page 4 of 10"',
      ruby: "Runyard.progress(40, 'page 4 of 10')",
      go: 'err := runyard.Progress(40, "page 4 of 10")',
    },
  },
  {
    name: 'event',
    group: 'outcome',
    args: '',
    text: 'About this run: event, version, run, trigger, owner, attempt, when it began.',
    example: {
      node: 'const { name, run_id, trigger } = await runyard.event()',
      python: 'info = runyard.event()\nprint(info["name"], info["run_id"])',
      bash: 'info=$(runyard_event)',
      ruby: "puts Runyard.event['run_id']",
      go: 'info, err := runyard.Event()',
    },
  },
  {
    name: 'sendMessage',
    group: 'messages',
    args: 'channel, text',
    text: 'Sends through a channel: a text, or what its action takes. Told once, however often it is tried.',
    example: {
      node: "await runyard.sendMessage('team-ci', 'Import is through')",
      python: "runyard.send_message('team-ci', 'Import is through')",
      bash: `runyard_send_message team-ci 'Import is through'`,
      ruby: "Runyard.send_message('team-ci', 'Import is through')",
      go: 'id, err := runyard.SendMessage("team-ci", "Import is through")',
    },
  },
]

export const snakeName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const pascalName = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1)

/** The helper that is meant by a word of a script, `cronium.getVariable`, `runyard_get_variable`; undefined: none. */
export function helperOf(word: string): Helper | undefined {
  const bare = word.replace(/^(?:cronium|runyard)[._]/i, '')
  if (bare === word) return undefined
  return helpers.find(({ name }) => name === bare || snakeName(name) === bare || pascalName(name) === bare)
}

/** As it is named where a script of that language calls it. */
export function callName(name: string, language: ScriptLanguage): string {
  if (language === 'bash') return `runyard_${snakeName(name)}`
  if (language === 'python') return `runyard.${snakeName(name)}`
  if (language === 'ruby') return `Runyard.${snakeName(name)}`
  return language === 'go' ? `runyard.${pascalName(name)}` : `runyard.${name}`
}

/** The first lines of a script that uses them. */
export const preambles: Record<ScriptLanguage, string> = {
  node: "const runyard = require('runyard')",
  python: 'import runyard',
  bash: 'source runyard.sh',
  ruby: "require 'runyard'",
  go: 'import "runyard"',
}
