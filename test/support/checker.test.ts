/** The checker refuses what it is there to refuse, and nothing else. Times are whole numbers: [start, end]. */
import { describe, expect, it } from 'vitest'
import { check, explain, type Call } from './checker.ts'
import { born, type Action, type Edit, type Seen } from './model.ts'

const ticket = 'first'
const start = born(ticket, { user: null, values: { n: 0 } })

const known = (from: number, to: number, action: Action, shown = ticket): Call => ({
  client: 'c',
  start: from,
  end: to,
  ticket: shown,
  action,
  answer: 'known',
})
const failed = (from: number, action: Action): Call => ({
  client: 'c',
  start: from,
  end: Number.POSITIVE_INFINITY,
  ticket,
  action,
  answer: 'unknown',
})
const commit = (
  edits: readonly Edit[],
  outcome: (Action & { kind: 'commit' })['outcome'] = 'stored',
  given: string | null = null,
): Action => ({
  kind: 'commit',
  edits,
  outcome,
  ticket: given,
})
const read = (values: Seen['values'] | null, user: string | null = null): Action => ({
  kind: 'read',
  saw: values === null ? null : { user, values },
})
const add: Edit = { kind: 'add', key: 'n' }
const set = (key: string, value: string): Edit => ({ kind: 'set', key, value })
const destroy = commit([{ kind: 'destroy' }], 'erased', '')

const rightOnes: readonly (readonly [string, readonly Call[]])[] = [
  ['two increments that overlap', [known(1, 5, commit([add])), known(2, 4, commit([add])), known(6, 7, read({ n: 2 }))]],
  ['a read that overlaps a write sees it', [known(1, 5, commit([add])), known(2, 3, read({ n: 1 }))]],
  ['a read that overlaps a write does not see it yet', [known(1, 5, commit([add])), known(2, 3, read({ n: 0 }))]],
  [
    'of two blind sets that overlap either wins',
    [known(1, 5, commit([set('k', 'a')])), known(2, 4, commit([set('k', 'b')])), known(6, 7, read({ n: 0, k: 'a' }))],
  ],
  ['a write that failed took effect', [failed(1, commit([add])), known(3, 4, read({ n: 1 }))]],
  ['a write that failed did not', [failed(1, commit([add])), known(3, 4, read({ n: 0 }))]],
  ['a write that failed takes effect much later', [failed(1, commit([add])), known(3, 4, read({ n: 0 })), known(5, 6, read({ n: 1 }))]],
  ['a write loses against a logout that overlaps', [known(1, 5, destroy), known(2, 6, commit([add], 'gone')), known(7, 8, read(null))]],
  ['a write gets in before a logout that overlaps', [known(1, 5, destroy), known(2, 4, commit([add])), known(6, 7, read(null))]],
  [
    'the ticket before a rotation works',
    [known(1, 2, commit([{ kind: 'rotate' }], 'stored', 'second')), known(3, 4, commit([add])), known(5, 6, read({ n: 1 }), 'second')],
  ],
  [
    'a second rotation at once gives no ticket',
    [known(1, 4, commit([{ kind: 'rotate' }], 'stored', 'second')), known(2, 5, commit([{ kind: 'rotate' }], 'untouched'))],
  ],
  [
    'one of two takes',
    [
      known(1, 2, commit([set('once', 'x')])),
      known(3, 6, { kind: 'take', key: 'once', got: 'x' }),
      known(3, 7, { kind: 'take', key: 'once', got: undefined }),
    ],
  ],
  [
    'a clear between two writes that overlap it',
    [known(1, 9, commit([add])), known(2, 8, commit([{ kind: 'clear' }])), known(3, 7, commit([add])), known(10, 11, read({ n: 1 }))],
  ],
]

const wrongOnes: readonly (readonly [string, readonly Call[]])[] = [
  ['a lost update', [known(1, 5, commit([add])), known(2, 4, commit([add])), known(6, 7, read({ n: 1 }))]],
  ['a lost key', [known(1, 5, commit([set('a', '1')])), known(2, 4, commit([set('b', '2')])), known(6, 7, read({ n: 0, b: '2' }))]],
  ['half a commit', [known(1, 2, commit([set('a', '1'), set('b', '2')])), known(3, 4, read({ n: 0, a: '1' }))]],
  ['half a commit, seen while it is under way', [known(1, 5, commit([set('a', '1'), set('b', '2')])), known(2, 3, read({ n: 0, a: '1' }))]],
  ['a stale read after an acknowledged write', [known(1, 2, commit([add])), known(3, 4, read({ n: 0 }))]],
  ['a write that is seen and then not', [known(1, 9, commit([add])), known(2, 3, read({ n: 1 })), known(4, 5, read({ n: 0 }))]],
  [
    'a snapshot written back',
    [known(1, 2, commit([set('a', '1')])), known(3, 4, commit([set('b', '2')])), known(5, 6, read({ n: 0, b: '2' }))],
  ],
  ['a write applied twice', [known(1, 2, commit([add])), known(3, 4, read({ n: 2 }))]],
  ['a failed write applied twice', [failed(1, commit([add])), known(3, 4, read({ n: 2 }))]],
  ['a failed write applied before it began', [known(1, 2, read({ n: 1 })), failed(3, commit([add]))]],
  ['a revived session', [known(1, 2, destroy), known(3, 4, read({ n: 0 }))]],
  [
    'a session revived by a write that was told it is gone',
    [known(1, 3, destroy), known(2, 5, commit([add], 'gone')), known(6, 7, read({ n: 1 }))],
  ],
  ['a write acknowledged after the logout', [known(1, 2, destroy), known(3, 4, commit([add]))]],
  ['a session that is dead although nobody ended it', [known(1, 2, read(null))]],
  ['a write refused although nobody ended the session', [known(1, 2, commit([add], 'gone'))]],
  ['a cookie for a loser', [known(1, 2, destroy), known(3, 4, commit([add], 'gone', 'third'))]],
  ['a cookie nobody asked for', [known(1, 2, commit([add], 'stored', 'second'))]],
  [
    'two successors of one ticket',
    [known(1, 4, commit([{ kind: 'rotate' }], 'stored', 'second')), known(2, 5, commit([{ kind: 'rotate' }], 'stored', 'third'))],
  ],
  [
    'a ticket from before a sign-in',
    [known(1, 2, commit([{ kind: 'signIn', user: 'ada' }], 'stored', 'second')), known(3, 4, read({ n: 0 }, 'ada'))],
  ],
  [
    'values of another user',
    [
      known(1, 2, commit([{ kind: 'signIn', user: 'ada' }], 'stored', 'second')),
      known(3, 4, commit([{ kind: 'signIn', user: 'bob' }], 'stored', 'third'), 'second'),
      known(5, 6, read({ n: 0 }, 'bob'), 'third'),
    ],
  ],
  [
    'a value taken twice',
    [
      known(1, 2, commit([set('once', 'x')])),
      known(3, 6, { kind: 'take', key: 'once', got: 'x' }),
      known(3, 7, { kind: 'take', key: 'once', got: 'x' }),
    ],
  ],
  [
    'a value that is there after it was taken',
    [known(1, 2, commit([set('once', 'x')])), known(3, 4, { kind: 'take', key: 'once', got: 'x' }), known(5, 6, read({ n: 0, once: 'x' }))],
  ],
  [
    'a message shown twice',
    [
      known(1, 2, commit([{ kind: 'flash', message: 'hi' }])),
      known(3, 4, { kind: 'flashes', got: ['hi'] }),
      known(5, 6, { kind: 'flashes', got: ['hi'] }),
    ],
  ],
  ['a set that was taken for nothing to do', [known(1, 2, commit([set('k', 'a')])), known(3, 4, commit([set('k', 'b')], 'untouched'))]],
  ['a late edit that got lost', [known(1, 2, commit([add], 'late')), known(3, 4, read({ n: 0 }))]],
  ['dropped edits that are there', [known(1, 2, commit([add], 'discarded')), known(3, 4, read({ n: 1 }))]],
  ['a revoke that found nothing to end', [known(1, 2, { kind: 'end', found: false })]],
]

describe('R-10 the checker', () => {
  it.each(rightOnes)('R-10 accepts %s', (_, calls) => {
    for (const order of [calls, calls.toReversed()]) expect(check(start, order).ok).toBe(true)
  })

  it.each(wrongOnes)('R-10 refuses %s', (_, calls) => {
    for (const order of [calls, calls.toReversed()]) expect(check(start, order).ok).toBe(false)
  })

  it('R-10 says which calls it could not place', () => {
    const verdict = check(start, [known(1, 2, commit([add])), known(3, 4, read({ n: 0 }))])
    expect(verdict.ok ? '' : explain(verdict)).toContain('"saw":{"user":null,"values":{"n":0}}')
  })

  it('R-10 finds the one order of twelve calls at once among half a billion', () => {
    const calls = Array.from({ length: 12 }, (_, i) => known(i, 100 + i, commit([add, { kind: 'append', key: 'log', item: `${i}` }])))
    const log = calls.map((_, i) => `${(i * 5) % 12}`)
    expect(check(start, [...calls, known(200, 201, read({ n: 12, log }))]).ok).toBe(true)
  })
})
