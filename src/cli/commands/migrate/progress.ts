/** How a move is going: one line that changes, in a terminal; elsewhere a line now and then. */
import type { Io } from '../../io.ts'
import { amount, duration, styled } from '../../text.ts'
import type { Tally } from './state.ts'

export interface Progress {
  /** After each page. */
  show(tally: Tally, total: number | null): void
  /** A sentence beside it. */
  say(sentence: string): void
  end(): void
}

const redrawMs = 100
const lineEveryMs = 10_000
const barWidth = 24

/** `before`: what earlier runs have done, which says nothing about the speed of this one. */
export function startProgress(io: Io, before: number): Progress {
  const startedAt = io.clock()
  const phrase = (tally: Tally, total: number | null): string => wordsOf(tally, total, before, io.clock() - startedAt)
  const { CI: ci = '', TERM: terminal } = io.env
  const isScreen = io.stderr.isTTY === true && terminal !== 'dumb' && (ci === '' || ci === 'false')
  return isScreen ? inTerminal(io, phrase) : inLines(io, phrase)
}

type Phrase = (tally: Tally, total: number | null) => string

function inTerminal({ stderr, env, clock }: Io, phrase: Phrase): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY
  let line = ''
  const clear = (): void => void stderr.write('\r\u001B[K')
  return {
    show(tally, total) {
      const nowMs = clock()
      const text = `${total === null ? '' : `${barOf(doneOf(tally), total)} `}${phrase(tally, total)}`
      // One that is wider would leave its beginning on the screen each time.
      line = text.slice(0, (stderr.columns ?? 80) - 1)
      if (nowMs - drawnAt < redrawMs) return
      drawnAt = nowMs
      clear()
      stderr.write(styled('cyan', line, stderr, env))
    },
    say(sentence) {
      clear()
      stderr.write(`${sentence}\n${styled('cyan', line, stderr, env)}`)
    },
    end: clear,
  }
}

function inLines({ stderr, clock }: Io, phrase: Phrase): Progress {
  let saidAt = clock()
  return {
    show(tally, total) {
      const nowMs = clock()
      if (nowMs - saidAt < lineEveryMs) return
      saidAt = nowMs
      stderr.write(`${phrase(tally, total)}\n`)
    },
    say: (sentence) => void stderr.write(`${sentence}\n`),
    end: () => {},
  }
}

/** How many have been looked at. */
export function doneOf({ moved, known, ended, refused }: Tally): number {
  return moved + known + ended + refused
}

function wordsOf(tally: Tally, total: number | null, before: number, spentMs: number): string {
  const done = doneOf(tally)
  const rate = spentMs > 0 ? ((done - before) * 1000) / spentMs : 0
  const left = total !== null && total > done && rate > 0 ? `, ${duration(((total - done) * 1000) / rate)} left` : ''
  const known = tally.known === 0 ? '' : `, ${amount(tally.known)} known`
  const ended = tally.ended === 0 ? '' : `, ${amount(tally.ended)} ended`
  const refused = tally.refused === 0 ? '' : `, ${amount(tally.refused)} refused`
  const of = total === null ? amount(done) : `${amount(done)} of ~${amount(Math.max(done, total))}`
  return `${of}: ${amount(tally.moved)} moved${known}${ended}${refused} (${amount(rate)}/s${left})`
}

function barOf(done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(part * barWidth)
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${String(Math.floor(part * 100)).padStart(3)} %`
}
