/** Writers that remember what they were told, while a server breaks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CoatcheckError, type SessionStore } from '../../src/index.ts'
import { newRow } from './sql-kinds.ts'

/** What one writer was told of its session: `null` is a session that is not there. */
interface Told {
  readonly id: string
  acked: number | null
  /** A write that began after that, of which nothing more was heard. */
  tried: number | null | undefined
}

export class Writers {
  readonly #store: SessionStore
  readonly #told: Told[] = []
  readonly #loops: Promise<void>[]
  readonly #codes = new Map<string, number>()
  /** Errors that are not of ours. */
  readonly strangers: unknown[] = []
  acknowledged = 0
  #stopped = false

  constructor(store: SessionStore, count: number) {
    this.#store = store
    this.#loops = Array.from({ length: count }, () => this.#live())
  }

  /** How often each code was rejected with. */
  get codes(): Record<string, number> {
    return Object.fromEntries(this.#codes)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  /** What is not as it was told. */
  async losses(): Promise<string[]> {
    const found: string[] = []
    for (const { id, acked, tried } of this.#told) {
      const row = await this.#store.get(id)
      const n = row === null ? null : Number(row.body)
      if (n !== acked && n !== tried) found.push(`${id} holds ${n}; ${acked} was acknowledged and ${tried} tried`)
    }
    return found
  }

  /** One session after another: created, changed a few times, and deleted or left. */
  async #live(): Promise<void> {
    for (let life = 0; !this.#stopped; life++) {
      const row = newRow({ user: 'ann' })
      const told: Told = { id: row.id, acked: null, tried: undefined }
      this.#told.push(told)
      let version: string | null = null
      for (let n = 1; n <= 5 && !this.#stopped; n++) {
        const expected: string | null = version
        version = await this.#try(told, n, () => this.#store.put({ ...row, body: `${n}` }, expected))
        if (version === null) break
      }
      if (version !== null && life % 2 === 0) await this.#try(told, null, async () => (await this.#store.delete(row.id), 'gone'))
    }
  }

  async #try(told: Told, write: number | null, run: () => Promise<string | null>): Promise<string | null> {
    told.tried = write
    try {
      const answer = await run()
      if (answer === null) throw new Error('a put lost, and nobody else writes this session')
      told.acked = write
      told.tried = undefined
      this.acknowledged++
      return answer
    } catch (error) {
      const code = error instanceof CoatcheckError ? error.code : 'stranger'
      if (code === 'stranger') this.strangers.push(error)
      this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1)
      await sleep(10)
      return null
    }
  }
}
