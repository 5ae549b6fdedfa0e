import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { SessionStore, StoredRow } from '../../src/core/types.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { bodyOf, expiresAt, randomFrom, userOf } from './sqlite-row.ts'

export interface KillOptions {
  readonly rounds: number
  readonly writers: number
  readonly seed: number
  readonly report?: (round: RoundReport) => void
}

export interface RoundReport {
  readonly round: number
  readonly acknowledged: number
  readonly killedAfterMs: number
  /** What the upkeep was doing when it was killed: `fill`, `sweep`, `vacuum` or `checkpoint`. */
  readonly killedAt: string
  readonly reopenedMs: number
  readonly lost: readonly string[]
}

type What = 'put' | 'touch' | 'delete'
interface Write {
  readonly n: number
  readonly what: What
}

/** What the parent was told of one session. */
interface Told {
  /** The last write that was acknowledged. */
  acked: Write | null
  /** A write that began after that, of which nothing more was heard. */
  tried: Write | null
}

/**
 * Lets writers write while another process sweeps, vacuums and empties the log, kills all of them at a random moment (SIGKILL),
 * reopens the file and compares it with what they had been told. The file is the same in all rounds, and at the end all rounds are compared once more.
 */
export async function killRounds({ rounds, writers, seed, report }: KillOptions): Promise<RoundReport[]> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-kill-'))
  const file = join(folder, 'sessions.db')
  const random = randomFrom(seed)
  const all = new Map<string, Told>()
  const reports: RoundReport[] = []
  try {
    for (let round = 1; round <= rounds; round++) {
      const killedAfterMs = Math.round(5 + random() * 250)
      const { told, killedAt } = await writeAndKill(file, writers, round, Math.floor(random() * 2 ** 31), killedAfterMs)
      for (const [id, one] of told) all.set(id, one)
      const from = performance.now()
      const store = sqliteStore({ file })
      await store.get('any')
      const reopenedMs = performance.now() - from
      const lost = [...(await losses(store, round === rounds ? all : told)), ...faults(file)]
      await store.close?.()
      const acknowledged = [...told.values()].reduce((sum, { acked }) => sum + (acked?.n ?? 0), 0)
      const one = { round, acknowledged, killedAfterMs, killedAt, reopenedMs, lost }
      report?.(one)
      reports.push(one)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return reports
}

async function writeAndKill(
  file: string,
  writers: number,
  round: number,
  seed: number,
  killedAfterMs: number,
): Promise<{ told: Map<string, Told>; killedAt: string }> {
  const told = new Map<string, Told>()
  const prefix = `r${round.toString(36)}w`
  const upkeep = spawned('sqlite-upkeep.ts', [file, prefix])
  let killedAt = ''
  upkeep.child.stdout.setEncoding('utf8').on('data', (text: string) => {
    killedAt = /at (\w+)\n$/.exec(text)?.[1] ?? killedAt
  })
  const children = Array.from({ length: writers }, (_, n) => {
    const { child, ...rest } = spawned('sqlite-writer.ts', [file, `${prefix}${n}-`, `${seed + n}`])
    return { ...rest, child, first: listen(child.stdout, told) }
  })
  const begun = [once(upkeep.child.stdout, 'data'), ...children.map(({ first }) => first)]
  await Promise.race([Promise.all(begun), ...[upkeep, ...children].map(({ closed }) => closed)])
  await new Promise((resolve) => setTimeout(resolve, killedAfterMs))
  const all = [upkeep, ...children]
  for (const { child } of all) child.kill('SIGKILL')
  await Promise.all(all.map(({ closed }) => closed))
  const errors = all.flatMap(({ errors }) => errors)
  if (errors.length > 0) throw new Error(`a writer failed: ${errors.join('')}`)
  return { told, killedAt }
}

function spawned(program: string, args: readonly string[]) {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  return { child, closed: once(child, 'close'), errors }
}

/** Notes what a writer says; resolves at its first acknowledgement. */
function listen(stdout: NodeJS.ReadableStream, told: Map<string, Told>): Promise<void> {
  let rest = ''
  return new Promise((resolve) => {
    stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      // A line the kill cut off was not said.
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [word = '', n = '', what = '', id = ''] = line.split(' ')
        const one = told.get(id) ?? { acked: null, tried: null }
        told.set(id, one)
        const write = { n: Number(n), what: what as What }
        if (word === 'try') one.tried = write
        else {
          one.acked = write
          one.tried = null
          resolve()
        }
      }
    })
  })
}

async function losses(store: SessionStore, told: ReadonlyMap<string, Told>): Promise<string[]> {
  const found: string[] = []
  for (const [id, one] of told) {
    const row = await store.get(id)
    const wrong = fault(id, one, row)
    if (wrong !== null) found.push(`${id}: ${wrong}`)
    if (row !== null && row.user !== null && !(await store.idsOf?.(row.user))?.includes(id))
      found.push(`${id}: not in the index of its user`)
  }
  return found
}

/** What SQLite finds wrong with the file: pages nobody owns, an index that misses a row. */
function faults(file: string): string[] {
  const db = new DatabaseSync(file)
  const found = db.prepare('PRAGMA integrity_check').all()
  db.close()
  return found.map((one) => String(one['integrity_check'])).filter((words) => words !== 'ok')
}

/** What is wrong with what is left of a session, given what was told of it. */
function fault(id: string, { acked, tried }: Told, row: StoredRow | null): string | null {
  const allowed = new Set([stateAfter(acked), stateAfter(tried ?? acked)])
  if (row === null) return allowed.has(null) ? null : `gone, though ${words(acked)} was acknowledged`
  const n = (JSON.parse(row.body) as { n: number }).n
  if (row.body !== bodyOf(id, n) || row.user !== userOf(id, n)) return 'holds what nobody wrote'
  if (!allowed.has(n)) return `holds write ${n}, though ${words(acked)} was acknowledged`
  const touched = [acked, tried].some((write) => write?.what === 'touch' && row.expiresAt === expiresAt(write.n))
  if (acked?.what === 'touch' && !touched) return `lost ${words(acked)}`
  return touched || row.expiresAt === expiresAt(n) ? null : `expires at ${row.expiresAt}, which nobody wrote`
}

/** The write whose body must be there after this one; `null`: no row. */
function stateAfter(write: Write | null): number | null {
  if (write === null || write.what === 'delete') return null
  return write.what === 'touch' ? write.n - 1 : write.n
}

function words(write: Write | null): string {
  return write === null ? 'nothing' : `${write.what} ${write.n}`
}
