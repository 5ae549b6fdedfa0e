/** Whether this is `npm run test:full`: every client library, and the store contract a second time on what the first left behind. */
export const full = process.env['MODE'] === 'full'
