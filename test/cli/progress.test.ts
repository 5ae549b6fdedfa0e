import { describe, expect, test } from 'vitest'
import { startProgress } from '../../src/cli/commands/migrate/progress.ts'
import { summaryOf } from '../../src/cli/commands/migrate/summary.ts'
import { nothing, walkAll, type Walk } from '../../src/cli/commands/migrate/walk.ts'
import type { Standing, Tally } from '../../src/cli/commands/migrate/state.ts'
import type { MoveInPage, MoveInPageOptions, MoveInWhy } from '../../src/index.ts'
import { screen } from './screen.ts'

const tally = (moved: number, more: Partial<Tally> = {}): Tally => ({ ...nothing, moved, ...more })
/** What a terminal shows in its last line. */
const lastLine = (text: string): string => text.split('\r\u001B[K').at(-1) ?? ''

describe('in a terminal', () => {
  test('one line changes: a bar, what was done, how fast, and what is left', () => {
    const io = screen({ isTTY: true, columns: 200, env: { NO_COLOR: '1' } })
    const progress = startProgress(io, 0)
    io.advance(10_000)
    progress.show(tally(900, { known: 50, ended: 20, refused: 30 }), 4_000)
    expect(lastLine(io.err())).toContain(
      '[######..................]  25 % 1,000 of ~4,000: 900 moved, 50 known, 20 ended, 30 refused (100/s, 30 s left)',
    )
    expect(io.err()).not.toContain('\n')
    progress.end()
    expect(lastLine(io.err())).toBe('')
  })

  test('is drawn ten times a second at most, is never wider than the screen, and does without a total', () => {
    const io = screen({ isTTY: true, columns: 20, env: { NO_COLOR: '1' } })
    const progress = startProgress(io, 0)
    for (let n = 1; n <= 100; n++) {
      io.advance(10)
      progress.show(tally(n * 10), null)
    }
    const drawn = io.err().split('\r\u001B[K').slice(1)
    expect(drawn.length).toBeLessThanOrEqual(11)
    expect(drawn.length).toBeGreaterThanOrEqual(9)
    expect(Math.max(...drawn.map((line) => line.length))).toBe(19)
    expect(lastLine(io.err())).toMatch(/\d+: \d+ moved/)
    expect(lastLine(io.err())).not.toContain('[#')
  })

  test('more than was said to be there is no more than all', () => {
    const io = screen({ isTTY: true, columns: 200, env: { NO_COLOR: '1' } })
    const progress = startProgress(io, 0)
    io.advance(1_000)
    progress.show(tally(5), 0)
    expect(lastLine(io.err())).toContain('100 % 5 of ~5')
  })
})

describe('without one, or in CI', () => {
  test.each([{ isTTY: false }, { isTTY: true, env: { CI: 'true' } }, { isTTY: true, env: { TERM: 'dumb' } }])(
    'a plain line every ten seconds: %j',
    (options) => {
      const io = screen(options)
      const progress = startProgress(io, 1_000)
      for (let second = 1; second <= 25; second++) {
        io.advance(1_000)
        progress.show(tally(1_000 + second * 100), 4_600)
      }
      progress.say('A note.')
      progress.end()
      // What an earlier run has done says nothing about the speed of this one.
      expect(io.err()).toBe(
        ['2,000 of ~4,600: 2,000 moved (100/s, 26 s left)', '3,000 of ~4,600: 3,000 moved (100/s, 16 s left)', 'A note.', ''].join('\n'),
      )
    },
  )
})

describe('a walk', () => {
  const refusalsOf = (whys: readonly MoveInWhy[]) => whys.map((why) => ({ identity: 'x', why }))
  const pageOf = (cursor: string | null, moved: number, whys: readonly MoveInWhy[] = [], more: Partial<MoveInPage> = {}): MoveInPage => ({
    cursor,
    moved,
    known: 0,
    refused: whys.length,
    refusals: refusalsOf(whys),
    ...more,
  })

  function walking(pages: readonly MoveInPage[], more: Partial<Walk> = {}) {
    const [asked, saved]: [MoveInPageOptions[], Standing[]] = [[], []]
    const report = { bytes: 0, add: (all: readonly unknown[]) => void (report.bytes += all.length), close: () => {} }
    const page = async (options: MoveInPageOptions) => (asked.push(options), pages[asked.length - 1] as MoveInPage)
    const progress = { show: () => {}, say: () => {}, end: () => {} }
    const save = (standing: Standing) => void saved.push(standing)
    const walked = walkAll({ page, from: null, limit: 5, dryRun: false, report, progress, save, stopped: () => false, ...more })
    return { walked, asked, saved }
  }

  test('adds its pages up, saves each before the next, and counts what had ended apart', async () => {
    const pages = [
      pageOf('a', 3, ['over', 'unwanted'], { total: 8 }),
      pageOf('b', 4, ['unwanted', 'map_failed'], { known: 1 }),
      pageOf(null, 1),
    ]
    const { walked, asked, saved } = walking(pages)
    const all = { moved: 8, known: 1, ended: 1, refused: 3, whys: { unwanted: 2, map_failed: 1 } }
    expect(await walked).toEqual({ ...all, finished: true })
    expect(asked.map(({ cursor }) => cursor)).toEqual([null, 'a', 'b'])
    expect(saved).toEqual([
      { moved: 3, known: 0, ended: 1, refused: 1, whys: { unwanted: 1 }, cursor: 'a', total: 8, reportBytes: 2 },
      { ...all, moved: 7, cursor: 'b', total: 8, reportBytes: 4 },
    ])
  })

  test('goes on where another has stopped, and stops between two pages', async () => {
    const from: Standing = { ...tally(10, { whys: { over: 1 } }), cursor: 'm', total: 20, reportBytes: 0 }
    let pages = 0
    const { walked, asked, saved } = walking([pageOf('n', 5), pageOf('o', 5)], { from, stopped: () => pages++ > 0 })
    expect(await walked).toMatchObject({ moved: 15, finished: false })
    expect([asked[0]?.cursor, asked.length, saved.at(-1)]).toMatchObject(['m', 1, { cursor: 'n', total: 20, moved: 15 }])
  })

  test('that is dry saves nothing; one that does not get on is an error', async () => {
    const dry = walking([pageOf('a', 1), pageOf(null, 1)], { dryRun: true })
    expect([await dry.walked, dry.saved]).toMatchObject([{ moved: 2 }, []])
    expect(dry.asked).toMatchObject([{ dryRun: true }, { dryRun: true }])
    await expect(walking([pageOf('a', 1), pageOf('a', 1)]).walked).rejects.toThrow(/again and again/)
  })
})

test('the summary is sentences', () => {
  const io = screen()
  const story = { from: 'express-redis', to: 'sqlite:s.db', dryRun: false, report: null, spentMs: 12_000 }
  expect(summaryOf({ ...story, walked: { ...tally(1), finished: true } }, io)).toBe(
    '1 session of express-redis moved to sqlite:s.db, in 12 s.\n',
  )
  const whys = { unwanted: 1_200, session_too_large: 34, cookie_too_large: 1 }
  const walked = { ...tally(4_998, { known: 2, ended: 3, refused: 1_235, whys }), finished: true }
  expect(summaryOf({ ...story, walked, report: 'r.jsonl' }, io).split('\n')).toEqual([
    '4,998 sessions of express-redis moved to sqlite:s.db, in 12 s.',
    '2 had moved before.',
    '3 had ended already, in the old store.',
    '1,235 sessions were refused:',
    '  1,200  `map` does not want (unwanted)',
    '     34  are over the `limits` of a session (session_too_large)',
    '      1  failed with (cookie_too_large)',
    'Which, by the SHA-256 of their ids: r.jsonl',
    '',
  ])
  const dry = summaryOf({ ...story, dryRun: true, walked: { ...tally(2, { refused: 1, whys: { unwanted: 1 } }), finished: true } }, io)
  expect(dry).toContain(
    'Dry run: 2 sessions of express-redis would move to sqlite:s.db. Nothing was written.\n1 session was not fit to move:',
  )
  expect(dry).toContain('Add --report refused.jsonl to see which.')
})
