/** What `import … from 'runyard'` gives: the library that runs jobs here, and the client of a server that runs them. */
export * from './library/index.ts'
export * from './api/client.ts'
