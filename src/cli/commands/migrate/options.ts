/** The command line of `migrate`, and what it means. */
import { addressOf, type Address } from '../../address.ts'
import { readArguments, type Given, type Options } from '../../arguments.ts'
import { usage, type Io } from '../../io.ts'
import { readSecrets } from '../../secrets.ts'
import { sourceNamed } from '../../sources/index.ts'
import type { Source, SourceOption, SourceSettings } from '../../sources/source.ts'

export const table = {
  config: {
    value: '<module>',
    help: 'a module that exports `sessions`, made by createSessions({ moveIn: [...] }).\nThe recommended way: map, schema, limits and lifetimes are those of the application',
  },
  session: { value: '<name>', help: 'with --config: which one, where the application has several `stores`' },
  from: { value: '<system>', help: 'a source (below); with --config the system of one of its readers, such as django' },
  'from-url': { value: '<address>', help: 'the old store; env:NAME takes it from an environment variable' },
  'from-table': { value: '<name>', help: 'its table or collection, where that is not the usual one' },
  'from-prefix': { value: '<text>', help: 'what stands before each id in it, where that is not the usual text' },
  'from-folder': { value: '<folder>', help: 'the folder with its files' },
  'from-cookie': { value: '<name>', help: "the old cookie's name, where that is not the usual one" },
  'secret-file': {
    value: '<file>',
    many: true,
    help: "a file that holds the old application's secret and that only you can read;\ngiven twice: the newest first",
  },
  'secret-env': { value: '<NAME>', many: true, help: 'an environment variable that holds it' },
  'signed-in': { help: 'sign in whom the old system itself calls signed in (Passport, django.contrib.auth)' },
  to: { value: '<address>', help: 'the new store, such as postgres://host/shop; env:NAME as above' },
  'cookie-name': { value: '<name>', help: 'cookie.name of the application. Default __Host-session' },
  app: { value: '<name>', help: '`app` of the application. Default none' },
  idle: { value: '<time>', help: 'lifetime.idle of the application, such as 30m. Default 1h' },
  absolute: { value: '<time>', help: 'lifetime.absolute of the application. Default 24h' },
  limit: { value: '<count>', help: 'sessions in a page. Default 100' },
  'dry-run': { help: 'read and check everything, write nothing' },
  resume: { help: 'go on where an earlier run has stopped' },
  report: { value: '<file>', help: 'write why each refused session was refused, a line of JSON each' },
  help: { short: 'h', help: 'this text' },
} as const satisfies Options

type Name = keyof typeof table

export interface Plan {
  readonly place: ConfigPlace | AddressPlace
  readonly limit: number
  readonly dryRun: boolean
  readonly resume: boolean
  readonly report: string | null
}

/** Everything from the application's own module. */
export interface ConfigPlace {
  readonly file: string
  readonly session: string | undefined
  readonly system: string | undefined
}

export interface AddressPlace {
  readonly from: string
  readonly source: Source
  readonly settings: SourceSettings
  readonly to: Address
  readonly cookieName: string
  readonly app: string
  readonly idle: string | undefined
  readonly absolute: string | undefined
}

const sourceOptions = [
  'from-url',
  'from-table',
  'from-prefix',
  'from-folder',
  'from-cookie',
  'secret-file',
  'secret-env',
  'signed-in',
] as const
const placeOptions = [...sourceOptions, 'to', 'cookie-name', 'app', 'idle', 'absolute'] as const
const limitMax = 10_000

/** Reads the command line; `null`: it asks for help. Throws with exit code 2. */
export function planOf(args: readonly string[], io: Io): Plan | null {
  const given = readArguments(args, table)
  if (given.has('help')) return null
  const [stray] = given.others
  if (stray !== undefined) throw usage(`there is no use for "${stray}"; migrate takes options only, see coatcheck migrate --help`)
  const [dryRun, resume] = [given.has('dry-run'), given.has('resume')]
  if (dryRun && resume) throw usage('a dry run leaves nothing behind that it could resume; leave out --resume or --dry-run')
  const place = given.has('config') ? configPlace(given) : addressPlace(given, io)
  return { place, limit: limitOf(given.text('limit')), dryRun, resume, report: given.text('report') ?? null }
}

function configPlace(given: Given<Name>): ConfigPlace {
  const stray = placeOptions.find((name) => given.has(name))
  if (stray !== undefined) throw usage(`--${stray} does not go with --config: the module says where everything is; leave it out`)
  return { file: given.text('config') ?? '', session: given.text('session'), system: given.text('from') }
}

function addressPlace(given: Given<Name>, io: Io): AddressPlace {
  if (given.has('session')) throw usage('--session goes with --config; here write --cookie-name')
  const from = given.text('from')
  if (from === undefined) throw usage('from where? Write --config ./sessions.js, or --from and --to; see coatcheck migrate --help')
  const source = sourceNamed(from)
  checkSourceOptions(given, from, source)
  const to = given.text('to')
  if (to === undefined) throw usage('to where? Write --to and the address of the new store, such as --to postgres://localhost/shop')
  const fromUrl = given.text('from-url')
  return {
    from,
    source,
    settings: {
      url: fromUrl === undefined ? null : addressOf('--from-url', fromUrl, io),
      table: given.text('from-table') ?? null,
      prefix: given.text('from-prefix') ?? null,
      folder: given.text('from-folder') ?? null,
      cookieName: given.text('from-cookie') ?? null,
      secrets: readSecrets(given.texts('secret-file'), given.texts('secret-env'), io),
      signedIn: given.has('signed-in'),
    },
    to: addressOf('--to', to, io),
    cookieName: given.text('cookie-name') ?? '__Host-session',
    app: given.text('app') ?? '',
    idle: given.text('idle'),
    absolute: given.text('absolute'),
  }
}

function checkSourceOptions(given: Given<Name>, from: string, { needs, takes, example }: Source): void {
  const kindOf = (name: (typeof sourceOptions)[number]): SourceOption => (name === 'secret-file' || name === 'secret-env' ? 'secret' : name)
  const known = [...needs, ...takes]
  const stray = sourceOptions.find((name) => given.has(name) && !known.includes(kindOf(name)))
  if (stray !== undefined) throw usage(`${from} takes no --${stray}; it takes ${known.map(optionWords).join(', ')}`)
  const missing = needs.find((kind) => !sourceOptions.some((name) => kindOf(name) === kind && given.has(name)))
  if (missing === 'secret')
    throw usage(`${from} needs the old application's secret, or nothing could be read; write --secret-file ./secret, or --secret-env NAME`)
  if (missing !== undefined) throw usage(`${from} needs --${missing}; write for example --${missing} ${example}`)
}

/** An option of a source as one types it. */
export function optionWords(option: SourceOption): string {
  return option === 'secret' ? '--secret-file or --secret-env' : `--${option}`
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return 100
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= limitMax) return limit
  throw usage(`--limit is how many sessions make a page; write a whole number from 1 to ${limitMax}`)
}
