import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../scripts/run.ts'
import { exportsOf, filesUnder, importsOf, root, textOf } from '../../scripts/source.ts'

/** Everything anybody may import, types included. A name comes or goes here on purpose or not at all. */
const publicNames: Record<string, readonly string[]> = {
  '.': words(`
    createSessions Sessions SessionsOptions SessionOptions HeadersLike Limits CookieOptions CsrfOptions LifetimeOptions MaxPerUser
    Session SetOptions SessionInfo Flash Merge Duration Secret StandardSchemaV1
    CoatcheckError ErrorCode SessionEvent Rejection
    SessionStore Row StoredRow Guarantees Clock Random Timers
    Visit RequestHead Outgoing Outcome applyOutgoing HeaderPort MoveIn MoveInCount MoveInPage MoveInPageOptions MoveInRefusal MoveInWhy
    OldCookies OldSession OldTicket DualWrite OldChanges`),
  './memory': words('memoryStore MemoryStoreOptions'),
  './sqlite': words('sqliteStore SqliteStoreOptions'),
  './postgres': words('postgresStore PostgresStoreOptions PgClient PostgresJsClient'),
  './mysql': words('mysqlStore MysqlStoreOptions MysqlPool MysqlConnection'),
  './redis': words('redisStore RedisStoreOptions WaitReplicas RedisClient NodeRedisClient IoRedisClient'),
  './memcached': words('memcachedStore MemcachedStoreOptions'),
  './datastore': words('datastoreStore DatastoreStoreOptions DatastoreLike DatastoreApi'),
  './firestore': words('firestoreStore FirestoreStoreOptions FirestoreLike'),
  './dynamodb': words('dynamodbStore DynamodbStoreOptions DynamodbClient'),
  './mongodb': words('mongodbStore MongodbStoreOptions MongodbCollection'),
  './nats': words('natsStore NatsStoreOptions NatsBucket'),
  './etcd': words('etcdStore EtcdStoreOptions EtcdCredentials EtcdFetch'),
  './cloudflare': words(`
    durableObjectStore DurableObjectStoreOptions CoatcheckObject d1Store D1StoreOptions D1SessionStore kvStore KvStoreOptions`),
  './deno-kv': words('denoKvStore DenoKvStoreOptions'),
  './express-store': words('expressStore ForeignStore asExpressStore AsExpressStoreOptions ExpressSessionStore'),
  './tiered': words('tieredStore TieredStoreOptions CacheFailure'),
  './mirrored': words('mirroredStore MirroredStore MirroredStoreOptions MirrorCounters MoveProgress'),
  './url': words('storeFromUrl StoreFromUrlOptions'),
  './node': words('nodeSessions getSession'),
  './fetch': words('fetchSessions getSession'),
  './express': words('expressSessions getSession'),
  './fastify': words('fastifySessions getSession'),
  './koa': words('koaSessions getSession'),
  './hono': words('honoSessions getSession'),
  './migrate/webapp2': words(`
    readWebapp2Cookie writeWebapp2Cookie Webapp2CookieOptions Webapp2WriteOptions Webapp2SecretKey
    readPickle writePickle PickleResult PickleRefusal
    webapp2Sessions Webapp2Sessions Webapp2Session Webapp2SessionsOptions Webapp2Backend
    webapp2Memcache MemcacheClient MemcacheItem webapp2Datastore Webapp2DatastoreOptions SessionDatastore DatastoreTransaction
    fromWebapp2 Webapp2MoveInOptions`),
  './migrate/gae-sessions': words('fromGaeSessions readGaeSessions GaeSessionsOptions FoundSession'),
  './migrate/gmemsess': words('fromGmemsess readGmemsess GmemsessOptions PlainIdOptions FoundSession MemcacheItem MemcacheReader'),
  './migrate/memcache-sessions': words(`
    fromMemcacheSessions readMemcacheSession MemcacheSessionsOptions PlainIdOptions FoundSession MemcacheItem MemcacheReader`),
  './migrate/client-sessions': words('fromClientSessions readClientSession ClientSessionsOptions ClientSessionsKeys'),
  './migrate/cookie-session': words(`
    fromCookieSession readCookieSession CookieSessionOptions Keygrip KeygripKeys passportUser Mapped`),
  './migrate/express-session': words(`
    fromExpressSession readExpressSessionId ExpressSessionOptions passportUser Mapped
    ExpressStore SessionStoreInstance RedisSessions PostgresSessions MongoSessions`),
  './migrate/fastify-session': words(`
    fromFastifySession readFastifySessionId FastifySessionOptions FastifySecret FastifySigner passportUser Mapped
    ExpressStore SessionStoreInstance RedisSessions PostgresSessions MongoSessions`),
  './migrate/koa-session': words(`
    fromKoaSession readKoaSession KoaSessionOptions KoaStore Keygrip KeygripKeys passportUser Mapped`),
  './migrate/react-router': words('fromReactRouter readReactRouterSession ReactRouterOptions ReactRouterStorage'),
  './migrate/auth-js': words('fromAuthJs readAuthJsSession AuthJsOptions AuthJsKeys'),
  './migrate/h3-session': words('fromH3Session readH3Session H3SessionOptions H3SessionConfig'),
  './migrate/iron-session': words('fromIronSession readIronSession IronSessionOptions IronSessionPassword'),
  './migrate/secure-session': words(`
    fromSecureSession readSecureSession secureSessionKey SecureSessionOptions SecureSessionKeys SecureSessionKey`),
  './migrate/yar': words('fromYar readYarSession YarOptions YarPassword YarCache YarRedis'),
  './migrate/django': words(`
    fromDjango readDjangoCookie djangoUser DjangoOptions DjangoSigning Mapped SecretBytes
    ByteStore SqlDatabase PgDatabase MysqlDatabase SqliteDatabase`),
  './migrate/flask': words('fromFlask readFlaskCookie flaskLoginUser FlaskOptions FlaskKeys Mapped SecretBytes'),
  './migrate/php': words('fromPhp readPhpSession PhpOptions PhpFormat Mapped ByteStore SerializeHandler'),
  './migrate/rails': words('fromRails readRailsCookie deviseUser RailsOptions RailsKeys Mapped KeyDigest SignedDigest'),
  './testing': words(`
    adapterContract AdapterUnderTest Exchange FieldLines Handler Serve Runner storeContract StoreUnderTest OpenedStore Lack
    failingStore FailingStore StoreFault StoreOperation fakeClock FakeClock`),
}

function words(text: string): string[] {
  return text.trim().split(/\s+/).toSorted()
}

mkdirSync(join(root, '.tmp'), { recursive: true })
const folder = mkdtempSync(join(root, '.tmp', 'package-'))
// An application of its own: without a manifest the folder would belong to coatcheck, which finds itself in its own sources.
writeFileSync(join(folder, 'package.json'), '{ "name": "application" }')
const checkout = join(folder, 'checkout')
const installed = join(folder, 'node_modules', 'coatcheck')

interface Packed {
  readonly filename: string
  readonly integrity: string
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

let packed: Packed

/** There `node:sqlite` calls itself experimental. */
const node22 = process.versions.node.startsWith('22.') ? ['--disable-warning=ExperimentalWarning'] : []

interface Manifest {
  readonly exports: Record<string, string>
  readonly scripts?: Record<string, string>
  readonly [field: string]: unknown
}

const manifest = JSON.parse(textOf('package.json')) as Manifest
const subpaths = Object.entries(manifest.exports).filter(([subpath]) => subpath !== './package.json')

// What is published is what is tested: a clean checkout, built, packed, and unpacked where an application would have it.
beforeAll(async () => {
  for (const file of filesUnder('.')) cpSync(join(root, file), join(checkout, file))
  mkdirSync(installed, { recursive: true })
  packed = await buildAndPack()
  const unpacked = await run('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1'])
  expect(unpacked.code, unpacked.output).toBe(0)
})

afterAll(() => rmSync(folder, { recursive: true }))

async function buildAndPack(): Promise<Packed> {
  const built = await run('npm', ['run', 'build'], { cwd: checkout })
  expect(built.code, built.output).toBe(0)
  const { stdout, output } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: checkout })
  const [only] = JSON.parse(stdout) as Packed[]
  if (!only) throw new Error(output)
  return only
}

test('O-04 the tarball holds the build, the SQL, three texts and the manifest', () => {
  const others = packed.files.map(({ path }) => path).filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path))
  expect(others.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'sql/mysql/001.sql', 'sql/postgres/001.sql'])
})

test('O-04 every file of the build comes from a source that still exists', () => {
  const built = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/'))
  const sources = filesUnder('src').map((file) => file.replace(/^src/, 'dist').replace(/\.ts$/, ''))
  expect(built.toSorted()).toEqual(sources.flatMap((file) => [`${file}.d.ts`, `${file}.js`]).toSorted())
})

test('O-04 installing it runs nothing and brings nothing', () => {
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']
  expect(hooks.filter((hook) => manifest.scripts?.[hook] !== undefined)).toEqual([])
  const brings = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies', 'bundledDependencies']
  expect(brings.filter((field) => manifest[field] !== undefined)).toEqual([])
})

test('the program of `npx coatcheck` is there, may be run, and runs', async () => {
  const { bin } = manifest as { bin?: Record<string, string> }
  expect(bin).toEqual({ coatcheck: './dist/cli/main.js' })
  const file = packed.files.find(({ path }) => path === 'dist/cli/main.js')
  expect((file?.mode ?? 0) & 0o111).toBe(0o111)
  expect(read('dist/cli/main.js').split('\n')[0]).toBe('#!/usr/bin/env node')
  const { code, output } = await run(join(installed, 'dist/cli/main.js'), ['--version'], { cwd: folder })
  expect([code, output]).toEqual([0, manifest['version']])
  const help = await run(process.execPath, [...node22, join(installed, 'dist/cli/main.js'), 'migrate', '--help'], { cwd: folder })
  expect([help.code, help.output.includes('express-redis')]).toEqual([0, true])
})

test('O-04 building and packing again gives the same bytes', async () => {
  expect((await buildAndPack()).integrity).toBe(packed.integrity)
})

test.each([
  ['publint', 'publint', ['--strict']],
  ['attw', 'attw', ['--profile', 'esm-only']],
])('%s accepts the tarball', async (_name, command, args) => {
  const { code, output } = await run(command, [join(folder, packed.filename), ...args])
  expect(code, output).toBe(0)
})

test('tsconfig.json maps every published name to its source', () => {
  const { compilerOptions } = JSON.parse(textOf('tsconfig.json')) as { compilerOptions: { paths: Record<string, string[]> } }
  expect(compilerOptions.paths).toEqual(Object.fromEntries(subpaths.map(([subpath, built]) => [nameOf(subpath), [`./${sourceOf(built)}`]])))
})

describe.each(subpaths)('the entry %s', (subpath, built) => {
  test('has a source, code and types', () => {
    expect(existsSync(join(root, sourceOf(built))), sourceOf(built)).toBe(true)
    for (const file of [built, built.replace(/\.js$/, '.d.ts')]) expect(existsSync(join(installed, file)), file).toBe(true)
  })

  test('exports what it is meant to export', () => {
    expect([...new Set(namesOf(posix.normalize(built.replace(/\.js$/, '.d.ts'))))].toSorted()).toEqual(publicNames[subpath])
  })

  test('loads as an application would load it, without a warning', async () => {
    const program = `const names = Object.keys(await import('${nameOf(subpath)}')); console.log(names.join())`
    const { code, stdout, output } = await run(process.execPath, [...node22, '--input-type=module', '-e', program], { cwd: folder })
    expect(code, output).toBe(0)
    expect(output, 'nothing on stderr').toBe(stdout.trim())
    expect(publicNames[subpath]).toEqual(expect.arrayContaining(stdout.trim().split(',')))
  })
})

test('the main entry reaches node:crypto and nothing else of a runtime', () => {
  const reached = new Set<string>()
  const foreign = new Set<string>()
  const walk = (file: string) => {
    if (reached.has(file)) return
    reached.add(file)
    for (const specifier of importsOf(file, read(file))) {
      if (specifier.startsWith('.')) walk(posix.join(dirname(file), specifier))
      else foreign.add(specifier)
    }
  }
  walk('dist/index.js')
  expect([...foreign]).toEqual(['node:crypto'])
  expect([...reached].filter((file) => read(file).includes('node:sqlite'))).toEqual([])
})

function read(file: string): string {
  return readFileSync(join(installed, file), 'utf8')
}

function namesOf(declarations: string): string[] {
  return exportsOf(declarations, read(declarations)).flatMap((one) =>
    one.name === '*' ? namesOf(posix.join(dirname(declarations), one.from.replace(/\.[jt]s$/, '.d.ts'))) : [one.name],
  )
}

function nameOf(subpath: string): string {
  return posix.join('coatcheck', subpath)
}

function sourceOf(built: string): string {
  return posix.normalize(built).replace(/^dist/, 'src').replace(/\.js$/, '.ts')
}
