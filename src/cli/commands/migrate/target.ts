/** Between what and what sessions are moved: by the application's own module, or by two addresses. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSessions, type Duration, type MoveInPage, type MoveInPageOptions, type Sessions, type SessionStore } from '../../../index.ts'
import { memoryStore } from '../../../stores/memory.ts'
import { storeFromUrl } from '../../../stores/url.ts'
import type { Address } from '../../address.ts'
import { codeOf, failureOf, isStoreFailure, messageOf, within } from '../../failure.ts'
import { CliError, exits, usage } from '../../io.ts'
import { didYouMean } from '../../nearest.ts'
import type { AddressPlace, ConfigPlace } from './options.ts'

export interface Target {
  /** For people. */
  readonly from: string
  readonly to: string
  /** Tells this move from all others, without credentials. */
  readonly move: string
  /** What a person should know before it begins. */
  readonly notes: readonly string[]
  page(options: MoveInPageOptions): Promise<MoveInPage>
  close(): Promise<void>
}

const openMs = 20_000
/** A page may come while a store is busy with what came before; a visitor would not wait for so long, this does. */
const storeDeadline = '10s'

const forgotten = 'What moves to memory: is gone when this command ends; write --to and the address of a store that stays.'

type AnySessions = Pick<Sessions, 'moveInPage' | 'moveInCounts' | 'ready' | 'close'>

/** Everything as the application itself has it. Throws with exit code 2 or 3. */
export async function fromConfig({ file, session, system }: ConfigPlace, cwd: string): Promise<Target> {
  const path = resolve(cwd, file)
  const sessions = sessionsIn(await loaded(path, file), file)
  await opened('the new store', sessions.ready())
  const name = systemIn(sessions, session, system)
  return {
    from: name,
    to: session === undefined ? file : `${session} of ${file}`,
    move: `${name} -> ${path}${session === undefined ? '' : `#${session}`}`,
    notes: [],
    page: (options) => sessions.moveInPage(name, options, session),
    close: () => sessions.close(),
  }
}

async function loaded(path: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (error) {
    const words = `--config ${file} cannot be loaded: ${messageOf(error)}`
    throw new CliError(isStoreFailure(error) ? exits.store : exits.usage, words)
  }
}

function sessionsIn(module: Readonly<Record<string, unknown>>, file: string): AnySessions {
  const found = [module['sessions'], module['default'], (module['default'] as { sessions?: unknown } | undefined)?.sessions]
  const sessions = found.find((one) => typeof (one as Partial<AnySessions> | null | undefined)?.moveInPage === 'function')
  if (sessions !== undefined) return sessions as AnySessions
  throw usage(`--config ${file} exports no \`sessions\`; write there: export const sessions = createSessions({ … moveIn: [ … ] })`)
}

function systemIn(sessions: AnySessions, session: string | undefined, system: string | undefined): string {
  const systems = countsOf(sessions, session).map((one) => one.system)
  const [first] = systems
  if (first === undefined) throw usage('these sessions have no readers; write createSessions({ … moveIn: [ … ] })')
  if (system === undefined && systems.length === 1) return first
  if (system === undefined) throw usage(`from which system? Write --from with one of ${systems.join(', ')}`)
  if (systems.includes(system)) return system
  throw usage(`moveIn has no reader for ${system}${didYouMean(system, systems)}\nIt has ${systems.join(', ')}`)
}

function countsOf(sessions: AnySessions, session: string | undefined): { readonly system: string }[] {
  try {
    return sessions.moveInCounts(session)
  } catch (error) {
    throw usage(`--session ${session ?? ''}: ${messageOf(error)}`)
  }
}

/** Between two addresses, with a reader's defaults. Throws with exit code 2 or 3. */
export async function fromAddresses(place: AddressPlace, dryRun: boolean): Promise<Target> {
  const { from, source, settings, to, cookieName, app, idle, absolute } = place
  const old = await opened(`the old store (${settings.url?.name ?? settings.folder ?? from})`, source.open(settings))
  try {
    const { store, notes } = dryRun
      ? await readOnlyStore(to)
      : { store: await opened(`the new store (${to.name})`, storeFromUrl(to.url)), notes: to.url.startsWith('memory:') ? [forgotten] : [] }
    const lifetime = {
      ...(idle === undefined ? {} : { idle: idle as Duration }),
      ...(absolute === undefined ? {} : { absolute: absolute as Duration }),
    }
    // Rows that move in depend on no secret: nobody has a ticket of theirs yet.
    const secret = randomBytes(32)
    const sessions = createSessions({ secret, store, app, cookie: { name: cookieName }, lifetime, storeDeadline, moveIn: [old.reader] })
    await opened(`the new store (${to.name})`, sessions.ready())
    const where = [settings.url?.name, settings.folder, settings.table, settings.prefix, settings.cookieName].filter((one) => one)
    return {
      from: where.length === 0 ? from : `${from} (${where.join(', ')})`,
      to: to.name,
      move: `${[from, ...where].join(' ')} -> ${to.name} ${app} ${cookieName}`,
      notes,
      page: (options) => sessions.moveInPage(old.reader.system, options),
      close: async () => void (await Promise.all([sessions.close(), old.close()])),
    }
  } catch (error) {
    await old.close()
    throw failureOf(error, 'the new store')
  }
}

async function opened<T>(what: string, opening: Promise<T>): Promise<T> {
  try {
    return await within(openMs, what, opening)
  } catch (error) {
    throw failureOf(error, what)
  }
}

/** What a dry run asks whether a session is known. Opening some stores makes them, so that these are left alone. */
async function readOnlyStore(to: Address): Promise<{ store: SessionStore; notes: readonly string[] }> {
  const unopened = (why: string) => ({ store: memoryStore(), notes: [`The new store ${why}; in this dry run it counts as empty.`] })
  if (/(^|[:+])(sqlite|nats):/.test(to.url)) return unopened('is not opened, because that would make it')
  const what = `the new store (${to.name})`
  const store = await opened(what, storeFromUrl(to.url, { migrate: false }))
  try {
    await within(openMs, what, store.ready?.() ?? Promise.resolve())
    return { store, notes: [] }
  } catch (error) {
    await store.close?.()
    if (codeOf(error) === 'config_invalid') return unopened(`is not fit yet (${messageOf(error)})`)
    throw failureOf(error, what)
  }
}
