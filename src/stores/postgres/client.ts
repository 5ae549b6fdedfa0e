import { hash } from 'node:crypto'
import { invalid } from '../common/options.ts'

/** What `Pool` and `Client` of `pg` have, and what takes their place (`@neondatabase/serverless`, `pg-native`). */
export interface PgClient {
  query(config: PgQuery): Promise<{ readonly rows: unknown[][]; readonly rowCount: number | null }>
  on?(event: 'error', listener: () => void): unknown
}

interface PgQuery {
  readonly name?: string
  readonly text: string
  values?: Value[]
  readonly rowMode: 'array'
  readonly query_timeout?: number
}

/** What `postgres(url)` of postgres.js gives. */
export interface PostgresJsClient {
  unsafe(
    text: string,
    values?: Value[],
    options?: { readonly prepare?: boolean },
  ): { values(): PromiseLike<unknown[][] & { readonly count: number | null }> }
}

/** Everything is sent as text, so that no parser or serializer of the client has a say. */
type Value = string | null

export interface Statement {
  readonly text: string
  /** Whether it runs so often that the server should keep its plan. */
  readonly often?: boolean
}

interface Answer {
  /** Each an array, so that renaming of columns by the client does not matter. */
  readonly rows: readonly (readonly unknown[])[]
  /** Rows found or changed. */
  readonly count: number
}

export type Run = (statement: Statement, values: Value[]) => Promise<Answer>

export interface Runner {
  readonly run: Run
  /** Several statements, in one transaction: that is what the simple protocol does. */
  readonly script: (text: string) => Promise<unknown>
}

/** Runs statements on whichever client it is. Throws `config_invalid` for something else. */
export function runnerFor(client: PgClient | PostgresJsClient, prepare: boolean, silenceMs: number): Runner {
  if (typeof client === 'function' && 'unsafe' in client) return onPostgresJs(client, prepare)
  if (typeof client === 'object' && client !== null && 'query' in client) return onPg(client, prepare, silenceMs)
  throw invalid(
    "postgresStore needs a client: a Pool of 'pg', or what postgres(url) of postgres.js gives; write for example postgresStore({ client: new Pool() })",
  )
}

function onPg(client: PgClient, prepare: boolean, silenceMs: number): Runner {
  // A connection that ends while nobody uses it is an 'error' event, and one that nobody listens to ends the process. The next statement
  // opens another connection. https://node-postgres.com/apis/pool#error
  client.on?.('error', () => null)
  const names = new Map<string, string>()
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `coatcheck_${hash('sha256', text).slice(0, 16)}`
    names.set(text, name)
    return name
  }
  return {
    async run({ text, often }, values) {
      const query = { text, values, rowMode: 'array', query_timeout: silenceMs } as const
      const { rows, rowCount } = await client.query(prepare && often === true ? { ...query, name: nameOf(text) } : query)
      return { rows, count: rowCount ?? 0 }
    },
    script: (text) => client.query({ text, rowMode: 'array' }),
  }
}

function onPostgresJs(client: PostgresJsClient, prepare: boolean): Runner {
  return {
    async run({ text, often }, values) {
      const rows = await client.unsafe(text, values, { prepare: prepare && often === true }).values()
      return { rows, count: rows.count ?? 0 }
    },
    script: async (text) => client.unsafe(text).values(),
  }
}
