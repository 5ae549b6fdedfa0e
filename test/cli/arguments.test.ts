import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { helpOf, readArguments } from '../../src/cli/arguments.ts'
import { nearest } from '../../src/cli/nearest.ts'
import { counted, duration, printable, quoted } from '../../src/cli/text.ts'
import { folder, ran } from './screen.ts'

const table = {
  to: { value: '<address>', help: 'where to' },
  'dry-run': { help: 'write nothing' },
  secret: { value: '<file>', many: true, help: 'a file\nof two lines' },
  help: { short: 'h', help: 'this text' },
} as const

describe('a command line', () => {
  test('gives values, switches, lists and what is left', () => {
    const given = readArguments(['--to', 'a', '--secret=1', '--dry-run', 'b', '--secret', '2', '-h'], table)
    expect([given.text('to'), given.has('dry-run'), given.has('help'), given.texts('secret'), given.others]).toEqual([
      'a',
      true,
      true,
      ['1', '2'],
      ['b'],
    ])
    expect([given.text('secret'), readArguments([], table).text('to'), readArguments([], table).texts('secret')]).toEqual([
      '2',
      undefined,
      [],
    ])
  })

  test.each([
    [['--too', 'a'], 'there is no option --too; did you mean --to?'],
    [['--dryrun'], 'there is no option --dryrun; did you mean --dry-run?'],
    [['--frobnicate'], 'there is no option --frobnicate'],
    [['-x'], 'there is no option -x'],
    [['--__proto__', 'a'], 'there is no option --__proto__'],
    [['--constructor'], 'there is no option --constructor'],
    [['--to'], '--to needs a value; write --to <address>'],
    [['--to='], '--to needs a value; write --to <address>'],
    [['--to', '--dry-run'], '--to needs a value; write --to <address>'],
    [['--dry-run=yes'], '--dry-run is a switch and takes no value; write --dry-run alone'],
  ])('%j: %s', (args, message) => {
    expect(() => readArguments(args, table)).toThrowError(expect.objectContaining({ message, exit: 2 }))
  })

  test('its help has a column for the options', () => {
    expect(helpOf(table)).toBe(
      [
        '  --to <address>   where to',
        '  --dry-run        write nothing',
        '  --secret <file>  a file',
        '                   of two lines',
        '  -h, --help       this text',
      ].join('\n'),
    )
  })
})

test('the nearest name is near, or none', () => {
  const names = ['express-redis', 'express-pg', 'django-db']
  expect(nearest('expres-redis', names)).toBe('express-redis')
  expect(nearest('django', names)).toBe('django-db')
  expect(nearest('djagno-db', names)).toBe('django-db')
  expect(nearest('rails', names)).toBeNull()
  expect(nearest('', names)).toBeNull()
})

test('numbers, times and arguments as a person reads them', () => {
  expect([counted(1, 'session'), counted(1234567, 'session')]).toEqual(['1 session', '1,234,567 sessions'])
  expect([400, 4_000, 200_000, 7_500_000].map(duration)).toEqual(['0 s', '4 s', '3 min 20 s', '2 h 5 min'])
  expect(['--to', 'a b', "it's", 'sqlite:a.db'].map(quoted)).toEqual(['--to', "'a b'", String.raw`'it'\''s'`, 'sqlite:a.db'])
})

test('A-03 what others wrote moves no cursor and turns no line', () => {
  expect(printable('a\u001B[2Jb\u0007\u009Bc\u202Ed\ne')).toBe('a�[2Jb��c�d\ne')
})

describe('coatcheck', () => {
  test('without a command, or with an unknown one, says what there is', async () => {
    expect(await ran('')).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('coatcheck migrate') })
    expect(await ran('migrte')).toMatchObject({ exit: 2, err: expect.stringContaining('did you mean migrate?') })
    expect(await ran('__proto__')).toMatchObject({ exit: 2, err: expect.stringContaining('there is no command') })
  })

  test('--help, and --help of a command, go to standard output; so does the version', async () => {
    expect(await ran('--help')).toMatchObject({ exit: 0, out: expect.stringContaining('coatcheck migrate'), err: '' })
    expect(await ran('migrate --help')).toMatchObject({ exit: 0, out: expect.stringContaining('express-redis'), err: '' })
    expect(await ran('--version')).toEqual({ exit: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
  })
})

describe('migrate says what to type for', () => {
  const address = 'migrate --from express-redis --from-url redis://localhost --to memory:'

  test.each([
    ['migrate', /from where\? Write --config .*or --from and --to/],
    ['migrate here', /no use for "here"/],
    ['migrate --from expres-redis', /no source expres-redis; did you mean express-redis\?/],
    ['migrate --from express-redis', /needs --from-url; write for example --from-url redis:/],
    ['migrate --from express-redis --from-url redis://localhost', /to where\? Write --to/],
    ['migrate --from django-db --from-url sqlite:a.db --to memory:', /needs the old application's secret.*--secret-file/],
    [`${address} --from-folder x`, /express-redis takes no --from-folder; it takes --from-url, --from-prefix/],
    [`${address} --secret-env X`, /express-redis takes no --secret-env/],
    [`${address} --session x`, /--session goes with --config/],
    [`${address} --dry-run --resume`, /leave out --resume or --dry-run/],
    [`${address} --limit 0`, /--limit is how many/],
    [`${address} --limit 1e3`, /--limit is how many/],
    ['migrate --from php-files --from-folder . --to nowhere:x', /no store at "nowhere:"; begin it with memory:/],
    ['migrate --config ./x.js --to memory:', /--to does not go with --config/],
    ['migrate --config ./x.js', /--config \.\/x\.js cannot be loaded/],
    ['migrate --from express-redis --from-url http://localhost --to memory:', /no address of a Redis/],
    ['migrate --from express-pg --from-url redis://localhost --to memory:', /no address of a PostgreSQL/],
    ['migrate --from express-mongo --from-url redis://localhost --to memory:', /no address of a MongoDB/],
    ['migrate --from php-files --to memory:', /needs --from-folder/],
  ])('%s', async (line, message) => {
    const { exit, out, err } = await ran(line)
    expect([exit, out]).toEqual([2, ''])
    expect(err).toMatch(message)
  })

  test('a module without sessions, or with no reader, or with others', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, 'empty.mjs'), 'export const x = 1')
    writeFileSync(join(cwd, 'broken.mjs'), 'export const = 1')
    writeFileSync(join(cwd, 'down.mjs'), "throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })")
    const readers = (names: string[]) =>
      `export const sessions = { moveInPage() {}, ready: async () => {}, close: async () => {},
        moveInCounts(name) { if (name) throw new Error('there is no session ' + name); return ${JSON.stringify(names.map((system) => ({ system })))} } }`
    writeFileSync(join(cwd, 'none.mjs'), readers([]))
    writeFileSync(join(cwd, 'two.mjs'), readers(['django', 'express-session']))
    const errOf = async (rest: string) => {
      const { exit, err } = await ran(`migrate --config ${rest}`, { cwd })
      return `${exit} ${err}`
    }
    expect(await errOf('empty.mjs')).toMatch(/^2 .*exports no `sessions`/)
    expect(await errOf('broken.mjs')).toMatch(/^2 .*cannot be loaded/)
    expect(await errOf('down.mjs')).toMatch(/^3 .*ECONNREFUSED/)
    expect(await errOf('none.mjs')).toMatch(/^2 .*have no readers/)
    expect(await errOf('two.mjs')).toMatch(/^2 .*--from with one of django, express-session/)
    expect(await errOf('two.mjs --from djago')).toMatch(/^2 .*did you mean django\?/)
    expect(await errOf('two.mjs --session prefs')).toMatch(/^2 .*--session prefs: there is no session prefs/)
  })
})
