// Does what each line of its input says (operation, TAB, arguments) and answers with a line: ok or error, TAB, base64.
const runyard = require('cronium')
const { createInterface } = require('node:readline')

const operations = {
  get: (name) => runyard.getVariable(name),
  exists: (name) => runyard.variable_exists(name),
  set: (name, json) => runyard.setVariable(name, JSON.parse(json)),
  delete: (name) => runyard.deleteVariable(name),
  increment: (name, by) => runyard.incrementVariable(name, Number(by)),
  scoped: async (name) => {
    const scope = 'global'
    await runyard.setVariable(name, 'a', { scope })
    await runyard.append_variable(name, 'b', { scope })
    return runyard.delete_variable(name, { scope })
  },
  increments: (name, times) =>
    Promise.all(Array.from({ length: Number(times) }, () => runyard.increment_variable(name))),
  append: (name, json) => runyard.appendVariable(name, JSON.parse(json)),
  unnamed: () => runyard.setVariable('', 1),
  nan: () => runyard.setVariable('n', { a: NaN }),
  names: async () => (await runyard.listVariables()).map(({ name }) => name),
  condition: (json) => runyard.setCondition(JSON.parse(json)),
  event: () => runyard.event(),
  progress: (percent, json) => runyard.progress(Number(percent), JSON.parse(json)),
  send: (channel, json) => runyard.sendMessage(channel, JSON.parse(json)),
  input: () => runyard.input(),
  output: (json) => runyard.output(JSON.parse(json)),
  echo: async () => runyard.output(await runyard.input()),
  input_file: (path) => runyard.inputFile(path),
  output_file: (path) => runyard.outputFile(path),
  pipe: async () => runyard.outputStream(await runyard.inputStream()),
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const [operation, ...given] = line.split('\t')
    let told
    try {
      told = ['ok', JSON.stringify((await operations[operation](...given)) ?? null)]
    } catch (error) {
      told = ['error', error.message]
    }
    console.log(`${told[0]}\t${Buffer.from(told[1]).toString('base64')}`)
  }
}
void main()
