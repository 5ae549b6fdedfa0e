/**
 * Where a move stands, in a file of the folder it was begun in, so that it can go on after Ctrl-C or a failure:
 *
 *   .coatcheck-migrate.json   { "version": 1, "moves": { "<source> -> <target>": { cursor, moved, known, ended, refused, … } } }
 *
 * The file is private (0600): where a store is walked in the order of its ids, the cursor is one of them.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { usage } from '../../io.ts'

/** What has been done. */
export interface Tally {
  readonly moved: number
  /** Moved before, by an earlier run or by a visitor. */
  readonly known: number
  /** Over, in the old store too: nobody misses them. */
  readonly ended: number
  readonly refused: number
  /** Refused sessions by reason. */
  readonly whys: Readonly<Record<string, number>>
}

export interface Standing extends Tally {
  /** Where to go on. */
  readonly cursor: string
  /** About how many there are in all; `null`: unknown. */
  readonly total: number | null
  /** How much of the report belongs to what has been done. */
  readonly reportBytes: number
}

export const stateFile = '.coatcheck-migrate.json'

/** The standing of one move. */
export class State {
  readonly #path: string
  readonly #move: string

  /** `move` names source and target, without credentials. */
  constructor(cwd: string, move: string) {
    this.#path = join(cwd, stateFile)
    this.#move = move
  }

  /** `null`: no such move has been begun, or it has been finished. */
  read(): Standing | null {
    const standing = this.#moves()[this.#move]
    return standing === undefined ? null : checked(standing)
  }

  save(standing: Standing): void {
    this.#write({ ...this.#moves(), [this.#move]: standing })
  }

  /** The move is finished. */
  remove(): void {
    const { [this.#move]: own, ...others } = this.#moves()
    if (own === undefined) return
    if (Object.keys(others).length > 0) this.#write(others)
    else rmSync(this.#path, { force: true })
  }

  /** All moves of this folder. */
  #moves(): Readonly<Record<string, unknown>> {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return {}
      throw usage(`${stateFile} cannot be read (${String((error as { code?: unknown }).code)})`)
    }
    const { version, moves } = jsonObject(text)
    if (version !== 1 || typeof moves !== 'object' || moves === null) throw unreadable()
    return moves as Record<string, unknown>
  }

  /** Whole or not at all: under another name first. */
  #write(moves: Readonly<Record<string, unknown>>): void {
    const temporary = `${this.#path}.${process.pid}`
    rmSync(temporary, { force: true })
    const handle = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(handle, `${JSON.stringify({ version: 1, moves }, null, 2)}\n`)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, this.#path)
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Cut off, or somebody else's.
  }
  throw unreadable()
}

function checked(standing: unknown): Standing {
  const { cursor, total, reportBytes, moved, known, ended, refused, whys } = (standing ?? {}) as Partial<Record<keyof Standing, unknown>>
  const counts = [moved, known, ended, refused, reportBytes].every((count) => Number.isSafeInteger(count) && Number(count) >= 0)
  const right = counts && typeof cursor === 'string' && (total === null || Number.isSafeInteger(total)) && typeof whys === 'object'
  if (right && whys !== null) return standing as Standing
  throw unreadable()
}

function unreadable(): Error {
  return usage(`${stateFile} is none that this version has written; remove it, and what has moved already will be known`)
}
