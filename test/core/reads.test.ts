import { describe, expect, it } from 'vitest'
import { inOneCall, inWaves } from '../../src/core/reads.ts'
import type { StoredRow } from '../../src/core/types.ts'

const rowOf = (id: string, version: string): StoredRow => ({ id, version, body: '', user: null, expiresAt: 0 })

/** Reads that end when a test says so. */
function pending(): { read: (id: string) => Promise<StoredRow | null>; asked: string[]; answer(version: string): void; fail(): void } {
  const asked: string[] = []
  const open: { id: string; resolve: (row: StoredRow) => void; reject: (error: Error) => void }[] = []
  const read = (id: string): Promise<StoredRow | null> => {
    asked.push(id)
    return new Promise((resolve, reject) => open.push({ id, resolve, reject }))
  }
  return {
    read,
    asked,
    answer: (version) => {
      const first = open.shift()
      first?.resolve(rowOf(first.id, version))
    },
    fail: () => open.shift()?.reject(new Error('refused')),
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('waves', () => {
  it('F-14 R-06 a thousand who ask during a read share the next one, and nobody joins the one that has left', async () => {
    const { read, asked, answer } = pending()
    const get = inWaves(read)
    const first = get('a')
    const others = Array.from({ length: 1_000 }, () => get('a'))
    expect(asked).toEqual(['a'])
    answer('1')
    expect((await first)?.version).toBe('1')
    await tick()
    expect(asked).toEqual(['a', 'a'])
    const late = get('a')
    answer('2')
    expect(new Set((await Promise.all(others)).map((row) => row?.version))).toEqual(new Set(['2']))
    await tick()
    answer('3')
    expect((await late)?.version).toBe('3')
    expect(asked).toHaveLength(3)
  })

  it('a read that fails fails its own askers only, and nothing is kept afterwards', async () => {
    const { read, asked, answer, fail } = pending()
    const get = inWaves(read)
    const [first, second] = [get('a'), get('a')]
    fail()
    await expect(first).rejects.toThrowError('refused')
    answer('2')
    expect((await second)?.version).toBe('2')
    await tick()
    const again = get('a')
    expect(asked).toHaveLength(3)
    answer('4')
    expect((await again)?.version).toBe('4')
  })

  it('different ids do not wait for each other', async () => {
    const { read, asked, answer } = pending()
    const get = inWaves(read)
    const reads = [get('a'), get('b'), get('c')]
    expect(asked).toEqual(['a', 'b', 'c'])
    for (const version of ['1', '2', '3']) answer(version)
    expect((await Promise.all(reads)).map((row) => row?.id)).toEqual(['a', 'b', 'c'])
  })
})

describe('one call', () => {
  it('gathers the reads of one turn, each id once, and gives everybody his own row', async () => {
    const calls: (readonly string[])[] = []
    const get = inOneCall(async (ids) => {
      calls.push(ids)
      return ids.map((id) => (id === 'none' ? null : rowOf(id, '1')))
    })
    const rows = await Promise.all(['a', 'b', 'a', 'none', 'c'].map(get))
    expect(rows.map((row) => row?.id)).toEqual(['a', 'b', 'a', undefined, 'c'])
    expect((await get('a'))?.id).toBe('a')
    expect(calls).toEqual([['a', 'b', 'none', 'c'], ['a']])
  })

  it('a call that fails fails all who asked, and the next one is fresh', async () => {
    let broken = true
    const get = inOneCall(async (ids) => {
      if (broken) throw new Error('refused')
      return ids.map((id) => rowOf(id, '1'))
    })
    const ends = await Promise.allSettled([get('a'), get('b')])
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    expect((await get('a'))?.id).toBe('a')
  })
})
