/** What `import … from 'runyard'` gives: the library that runs jobs here, the client of a server, and a whole Runyard inside a program. */
export * from './library/index.ts'
export * from './api/client.ts'
export * from './embed/index.ts'
