import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const help = `The coatcheck demo: sessions you can watch.

  npm start                          start it and open the address it prints
  npm start -- --port 8080           on this port and no other (or: PORT=8080 npm start)
  npm start -- --data FOLDER         keep the secret and the sessions there (default: ./data)
  npm start -- --store ADDRESS       keep them in this store instead: redis://localhost, postgres://user@localhost/db,
                                     memcached://localhost, mysql://…, datastore://project, nats://…, etcd://…,
                                     tiered:memcached://localhost+postgres://user@localhost/db (or: SESSION_STORE=…)
  npm start -- --help                this text

Without a port it takes 3000, or the next free one. Stop it with Ctrl-C: everybody stays signed in for the next start.
To begin afresh, stop it and delete the data folder.`

export interface Options {
  readonly help: boolean
  /** A port somebody asked for, or `null` for 3000 or the next free one. */
  readonly port: number | null
  readonly dataFolder: string
  /** The address of a store to use instead of SQLite, or `null`. */
  readonly store: string | null
}

/** Reads arguments and environment. A string is what is wrong with them, in plain words. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options | string {
  let values
  try {
    values = parseArgs({
      args: [...args],
      options: { port: { type: 'string' }, data: { type: 'string' }, store: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    return `${error instanceof Error ? error.message.split('. ')[0] : 'These arguments make no sense'}. Type: npm start -- --help`
  }
  const given = values.port ?? (env['PORT'] || undefined)
  const port = given === undefined ? null : Number(given)
  if (port !== null && !(/^\d+$/.test(given ?? '') && port <= 65_535)) {
    return `"${given}" is not a port. Type a number up to 65535, for example: npm start -- --port 8080`
  }
  if (values.data === '') return 'The data folder has no name. Type for example: npm start -- --data ./data'
  if (values.store === '') return 'The store has no address. Type for example: npm start -- --store redis://localhost'
  const store = values.store ?? (env['SESSION_STORE'] || null)
  return { help: values.help ?? false, port, dataFolder: resolve(values.data ?? 'data'), store }
}
