import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openReport } from '../../src/cli/commands/migrate/report.ts'
import { State, stateFile, type Standing } from '../../src/cli/commands/migrate/state.ts'
import type { MoveInRefusal } from '../../src/index.ts'
import { folder } from './screen.ts'

const standing: Standing = { cursor: '7', moved: 2, known: 1, ended: 0, refused: 1, whys: { unwanted: 1 }, total: 9, reportBytes: 30 }

describe('the state file', () => {
  test('keeps each move by its name, privately, and is gone with the last of them', () => {
    const cwd = folder()
    const [one, other] = [new State(cwd, 'a -> b'), new State(cwd, 'a -> c')]
    expect(one.read()).toBeNull()
    one.save(standing)
    other.save({ ...standing, cursor: '8', total: null })
    expect([one.read(), other.read()]).toEqual([standing, { ...standing, cursor: '8', total: null }])
    expect(statSync(join(cwd, stateFile)).mode & 0o777).toBe(0o600)
    expect(readdirSync(cwd)).toEqual([stateFile])
    one.remove()
    expect([one.read(), other.read()?.cursor]).toEqual([null, '8'])
    other.remove()
    other.remove()
    expect(readdirSync(cwd)).toEqual([])
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"version":2,"moves":{}}',
    '{"version":1}',
    '{"version":1,"moves":{"a -> b":null}}',
    '{"version":1,"moves":{"a -> b":{"cursor":"1"}}}',
    `{"version":1,"moves":{"a -> b":${JSON.stringify({ ...standing, moved: -1 })}}}`,
    `{"version":1,"moves":{"a -> b":${JSON.stringify({ ...standing, cursor: 7 })}}}`,
    `{"version":1,"moves":{"a -> b":${JSON.stringify({ ...standing, whys: null })}}}`,
  ])('that is another, or cut off, is an error and stays as it is: %s', (text) => {
    const cwd = folder()
    writeFileSync(join(cwd, stateFile), text)
    expect(() => new State(cwd, 'a -> b').read()).toThrowError(expect.objectContaining({ exit: 2 }))
    expect(readFileSync(join(cwd, stateFile), 'utf8')).toBe(text)
  })

  test('what a killed run has left beside it is no hindrance', () => {
    const cwd = folder()
    writeFileSync(join(cwd, `${stateFile}.${process.pid}`), 'half')
    new State(cwd, 'a -> b').save(standing)
    expect(new State(cwd, 'a -> b').read()).toEqual(standing)
  })
})

describe('the report', () => {
  const refusal = (n: number): MoveInRefusal => ({ identity: String(n).repeat(64), why: 'unwanted' })
  const linesOf = (path: string) => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean)

  test('has a line of JSON for each, and is private', () => {
    const cwd = folder()
    const report = openReport('refused.jsonl', cwd, 0)
    report.add([refusal(1), refusal(2)])
    report.add([])
    report.add([refusal(3)])
    report.close()
    const path = join(cwd, 'refused.jsonl')
    expect(linesOf(path).map((line) => JSON.parse(line) as unknown)).toEqual([refusal(1), refusal(2), refusal(3)])
    expect(report.bytes).toBe(statSync(path).size)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('goes on behind what was saved: a line of a page that is done again is there once', () => {
    const cwd = folder()
    const first = openReport('r', cwd, 0)
    first.add([refusal(1)])
    const saved = first.bytes
    first.add([refusal(2), refusal(3)])
    first.close()
    const second = openReport('r', cwd, saved)
    second.add([refusal(2)])
    second.close()
    expect(linesOf(join(cwd, 'r'))).toEqual([refusal(1), refusal(2)].map((one) => JSON.stringify(one)))
  })

  test('takes the place of an older one, and of no other file', () => {
    const cwd = folder()
    const path = join(cwd, 'r')
    const first = openReport('r', cwd, 0)
    first.add([refusal(1)])
    first.close()
    openReport('r', cwd, 0).close()
    expect(readFileSync(path, 'utf8')).toBe('')
    writeFileSync(path, 'a letter')
    expect(() => openReport('r', cwd, 0)).toThrowError(/is no report; write another name/)
    expect(readFileSync(path, 'utf8')).toBe('a letter')
    expect(() => openReport('.', cwd, 0)).toThrowError(/cannot be written/)
    expect(() => openReport('none/r', cwd, 0)).toThrowError(/cannot be written \(ENOENT\)/)
  })

  test('that has vanished since begins anew', () => {
    const cwd = folder()
    const report = openReport('r', cwd, 1_000)
    report.add([refusal(4)])
    report.close()
    expect(linesOf(join(cwd, 'r'))).toEqual([JSON.stringify(refusal(4))])
    expect(existsSync(join(cwd, 'r'))).toBe(true)
  })
})
