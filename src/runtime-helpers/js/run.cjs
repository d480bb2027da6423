'use strict'
// Runs a script with `require` and `await` at its top level, side by side: node run.cjs SCRIPT [ARGUMENT …]
const { readFileSync } = require('node:fs')
const Module = require('node:module')
const { dirname, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')
const vm = require('node:vm')

const file = resolve(process.argv[2])
process.argv.splice(1, 2, file)

if (file.endsWith('.mjs')) void import(pathToFileURL(file).href)
else runCommonJs()

function runCommonJs() {
  // Node tells of our loader in the log of each script that uses import(): nothing that its author could change.
  const { emitWarning } = process
  process.emitWarning = function (text, ...rest) {
    if (!String(text).includes('vm.USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(this, text, ...rest)
  }
  // On the line of the script's first, so that its line numbers are those of the stack traces.
  const before = '(async function (exports, require, module, __filename, __dirname) {'
  const source = readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .replace(/^#!/, '//')
  const main = vm.runInThisContext(`${before}${source}\n})`, {
    filename: file,
    columnOffset: -before.length,
    importModuleDynamically:
      (vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER) ||
      ((name) => import(/^\.{0,2}\//.test(name) ? new URL(name, pathToFileURL(file)).href : name)),
  })
  const module = new Module(file, null)
  Object.assign(module, { filename: file, paths: Module._nodeModulePaths(dirname(file)) })
  process.mainModule = module

  let ended = false
  const end = () => (ended = true)
  // Nothing catches what it throws: Node prints it and ends with 1, as it does for any script.
  main.call(module.exports, module.exports, Module.createRequire(file), module, file, dirname(file)).finally(end)
  process.once('beforeExit', () => {
    if (ended) return
    console.error(`${file}: an await never ended, and nothing is left to wait for`)
    process.exitCode = 13
  })
}
