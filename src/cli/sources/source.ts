import type { MoveIn } from '../../index.ts'
import type { Address } from '../address.ts'
import { usage } from '../io.ts'
import type { Opened } from './clients.ts'

/** What a command line can say about an old store. */
export type SourceOption = 'from-url' | 'from-table' | 'from-prefix' | 'from-folder' | 'from-cookie' | 'secret' | 'signed-in'

/** What it has said; `null`: nothing, so that the old system's own default stands. */
export interface SourceSettings {
  readonly url: Address | null
  readonly table: string | null
  readonly prefix: string | null
  readonly folder: string | null
  /** The old cookie's name. */
  readonly cookieName: string | null
  /** The old application's, newest first. */
  readonly secrets: readonly string[]
  /** Sign in whom the old system says is signed in. */
  readonly signedIn: boolean
}

/** A system to move in from, as `--from` names it. A new one is a file beside this and a line in index.ts. */
export interface Source {
  /** For the help: `express-session with connect-redis`. */
  readonly holds: string
  readonly needs: readonly SourceOption[]
  readonly takes: readonly SourceOption[]
  /** For the help, and for whoever forgets the address. */
  readonly example: string
  /** Opens the old store, with a client of its own. */
  open(settings: SourceSettings): Promise<OpenSource>
}

export interface OpenSource {
  readonly reader: MoveIn
  close(): Promise<unknown>
}

/** A reader of what a client has, or a store that is closed again. */
export async function reading<Client>(
  { url }: SourceSettings,
  open: (address: Address) => Promise<Opened<Client>>,
  readerOf: (client: Client) => MoveIn,
): Promise<OpenSource> {
  if (url === null) throw usage('--from-url is missing; write the address of the old store')
  const { client, close } = await open(url)
  try {
    return { reader: readerOf(client), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The settings that every reader has, as its options. */
export function common({ cookieName }: SourceSettings): { cookieName?: string } {
  return cookieName === null ? {} : { cookieName }
}

/** An option only where it was given. */
export function given<Name extends string>(name: Name, value: string | null): { [key in Name]?: string } {
  return (value === null ? {} : { [name]: value }) as { [key in Name]?: string }
}
