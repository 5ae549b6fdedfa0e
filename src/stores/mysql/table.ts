import { CoatcheckError } from '../../core/errors.ts'
import type { Row, StoredRow } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'
import type { SessionTable } from '../sql/store.ts'
import type { Step } from '../sql/sweeping.ts'
import type { Answer, Run, Value } from './client.ts'
import { isTaken } from './failures.ts'
import { bytesMax } from './schema.ts'
import { bytesOf, padded, rowOf, type Statements, statementsOn, textOf } from './statements.ts'

/** Ids in one read; more are read at the same time. */
const readMax = 256
/** What a statement has besides the body. */
const otherBytesMax = 4_096

/** The statements of a store on its table. */
export class MysqlTable implements SessionTable {
  readonly #run: Run
  readonly #sql: Statements
  #bodyBytesMax = bytesMax.body

  constructor(run: Run, name: string) {
    this.#run = run
    this.#sql = statementsOn(name)
  }

  /** A server ends the connection when a statement is larger than it allows, without saying why. */
  limitTo(packetBytes: number): void {
    this.#bodyBytesMax = Math.min(bytesMax.body, packetBytes - otherBytesMax)
  }

  async find(ids: readonly string[]): Promise<StoredRow[]> {
    if (ids.length === 0) return []
    const some = padded(ids.slice(0, readMax)).map(bytesOf)
    const [{ rows }, others] = await Promise.all([this.#run(this.#sql.find(some.length), some), this.find(ids.slice(readMax))])
    return [...rows.map(rowOf), ...others]
  }

  async put(row: Row, version: string, expected: string | null): Promise<boolean> {
    const { id, user, body } = columnsOf(row, this.#bodyBytesMax)
    const columns = [bytesOf(version), user, row.expiresAt, row.expiresAt, body, id]
    if (expected === null) return this.#insert(columns)
    // One that is there changes, so it does not matter which rows are counted.
    return (await this.#run(this.#sql.update, [...columns, bytesOf(expected)])).count === 1
  }

  async remove(id: string): Promise<void> {
    await this.#run(this.#sql.remove, [bytesOf(id)])
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    const touched = await this.#run(this.#sql.touch, [expiresAt, bytesOf(id)])
    // Without FOUND_ROWS a row that lives longer already is not counted.
    return touched.count === 1 || (await this.#run(this.#sql.isThere, [bytesOf(id)])).count === 1
  }

  async idsOf(user: string): Promise<string[]> {
    return idsIn(await this.#run(this.#sql.idsOf, [bytesOf(user)]))
  }

  async idsAfter(id: string, limit: number): Promise<string[]> {
    return idsIn(await this.#run(this.#sql.idsAfter(limit), [bytesOf(id)]))
  }

  /** Looks at rows that are due. Whoever is at one of them right now keeps it alive, or sweeps it himself. */
  async sweep(now: number, rows: number, dropMax: number): Promise<Step> {
    const due = (await this.#run(this.#sql.due(rows), [now])).rows
    const idsWhere = (lives: boolean): Buffer[] =>
      due.filter(([, expiresAt]) => Number(expiresAt) >= now === lives).map(([id]) => bytesOf(textOf(id)))
    const [lived, over] = [padded(idsWhere(true)), padded(idsWhere(false).slice(0, dropMax))]
    if (lived.length > 0) await this.#run(this.#sql.refile(lived.length), lived)
    const { count } = over.length === 0 ? { count: 0 } : await this.#run(this.#sql.drop(over.length), [now, ...over])
    return { looked: due.length, dropped: count }
  }

  /** `INSERT IGNORE` would not say that the place is taken by an error, but would ignore other errors too. */
  async #insert(columns: Value[]): Promise<boolean> {
    try {
      await this.#run(this.#sql.insert, columns)
      return true
    } catch (error) {
      if (isTaken(error)) return false
      throw error
    }
  }
}

function idsIn({ rows }: Answer): string[] {
  return rows.map(([id]) => textOf(id))
}

/** Throws for a row that the table would not keep as it is: a server that is not strict cuts what is too long for its column. */
function columnsOf(row: Row, bodyBytesMax: number): { id: Buffer; user: Buffer | null; body: Buffer } {
  const [id, user, body] = [bytesOf(row.id), row.user === null ? null : bytesOf(row.user), bytesOf(row.body)]
  if (id.length > bytesMax.id || (user?.length ?? 0) > bytesMax.user) {
    throw new CoatcheckError('value_invalid', `an id may have ${bytesMax.id} bytes and a user ${bytesMax.user}`)
  }
  if (body.length > bodyBytesMax) throw tooLarge('mysqlStore', body.length, bodyBytesMax)
  return { id, user, body }
}
