import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { run } from '../run.ts'
import { findProgram, launch, type Server, type ServerKind, theProgram } from './launch.ts'

const programs = ['mariadbd', 'mysqld']
const grants = `CREATE DATABASE IF NOT EXISTS coatcheck;
CREATE USER IF NOT EXISTS 'coatcheck'@'127.0.0.1' IDENTIFIED BY 'coatcheck';
GRANT ALL ON *.* TO 'coatcheck'@'127.0.0.1' WITH GRANT OPTION;
`

/** More settings, such as `['--max-connections=5']`. */
export function startMysql(settings: readonly string[] = []): Promise<Server> {
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  return launch({
    name: 'mysql',
    url: (port) => `mysql://coatcheck:coatcheck@127.0.0.1:${port}/coatcheck`,
    async prepare(folder) {
      writeFileSync(join(folder, 'grants.sql'), grants)
      const args = ['--no-defaults', `--datadir=${join(folder, 'data')}`, '--auth-root-authentication-method=normal', '--skip-test-db']
      const { code, output } = await run(theProgram(['mariadb-install-db', 'mysql_install_db']), [...args, ...asRoot], { cwd: folder })
      if (code !== 0) throw new Error(output)
    },
    command: (port, folder) => [
      theProgram(programs),
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      // At its start a server removes the temporary tables of others from a folder that it shares with them, and they crash.
      `--tmpdir=${folder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${join(folder, 'grants.sql')}`,
      '--innodb-flush-log-at-trx-commit=2',
      ...asRoot,
      ...settings,
    ],
  })
}

export const mysql: ServerKind = {
  name: 'mysql',
  packages: ['mariadb-server'],
  present: () => findProgram(programs) !== null,
  start: () => startMysql(),
  async database(url, name) {
    const admin = await createConnection(url)
    await admin.query(`CREATE DATABASE ${name}`)
    await admin.end()
    return url.replace(/[^/]*$/, name)
  },
}
