import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { run } from '../run.ts'
import { findProgram, launch, type Owner, type Server, type ServerKind, theProgram } from './launch.ts'

const versions = '/usr/lib/postgresql'

/** Debian keeps the programs of each version apart from the PATH; the newest first. */
function folders(): string[] {
  if (!existsSync(versions)) return []
  return readdirSync(versions)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, 'bin'))
}

/** It does not wait for the disk (a killed server loses nothing by that), and counts statements for each user. */
const quickAndCounting = ['fsync=off', 'shared_preload_libraries=pg_stat_statements']

/** Settings as for `-c`, such as `['max_connections=5']`. */
export async function startPostgres(settings: readonly string[] = quickAndCounting): Promise<Server> {
  const owner = await ownerFor('postgres')
  return launch({
    name: 'postgres',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    unprivileged: owner,
    async prepare(folder) {
      const initdb = theProgram(['initdb'], folders())
      const args = ['-D', join(folder, 'data'), '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
      const { code, output } = await run(initdb, args, { cwd: folder, owner })
      if (code !== 0) throw new Error(output)
    },
    command: (port, folder) => [
      theProgram(['postgres'], folders()),
      '-D',
      join(folder, 'data'),
      '-p',
      String(port),
      '-k',
      folder,
      ...['listen_addresses=127.0.0.1', ...settings].flatMap((setting) => ['-c', setting]),
    ],
    serves: async (port) => (await run(theProgram(['pg_isready'], folders()), ['-q', '-h', '127.0.0.1', '-p', String(port)])).code === 0,
  })
}

/** Root may not run it; anybody else runs it as himself. */
async function ownerFor(user: string): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, user])).stdout)))
  return { uid: uid ?? 0, gid: gid ?? 0 }
}

export const postgres: ServerKind = {
  name: 'postgres',
  packages: ['postgresql'],
  present: () => findProgram(['postgres'], folders()) !== null,
  start: () => startPostgres(),
  async database(url, name) {
    const admin = new Client({ connectionString: url })
    await admin.connect()
    await admin.query(`CREATE DATABASE ${name}`)
    await admin.end()
    return url.replace(/[^/]*$/, name)
  },
}
