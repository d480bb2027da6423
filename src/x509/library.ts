/** The library that writes certificates, loaded when one is written: it takes 100 ms, and most commands need none. */
export const x509 = () => import('./peculiar.ts')
