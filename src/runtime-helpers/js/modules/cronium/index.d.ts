export * from '../runyard/index.js'
