import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../scripts/run.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-full-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a command with a small disk at the folder that nobody else sees; it is gone with the command. */
function onSmallDisk(megabytes: number, command: readonly string[]): [string, ...string[]] {
  const users = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const mount = `mount -t tmpfs -o size=${megabytes}m small "$0"; exec "$@"`
  return ['unshare', '--mount', ...users, 'sh', '-ec', mount, folder, ...command]
}

test.for([
  ['somebody removes a file', 2, 'others'],
  ['a sweep', 12, 'sweep'],
] as const)(
  'K-05 a full disk refuses with a code, lets people sign out all the same, and %s is enough',
  async ([, megabytes, relief], context) => {
    const [probe, ...probeArgs] = onSmallDisk(megabytes, ['true'])
    if ((await run(probe, probeArgs)).code !== 0)
      context.skip('cannot mount a small disk here; run as root, or where users may make namespaces')

    const program = fileURLToPath(new URL('sqlite-full-disk.ts', import.meta.url))
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', program, folder, relief]
    const [command, ...args] = onSmallDisk(megabytes, node)
    const { code, stdout, output } = await run(command, args)
    expect(code, output).toBe(0)
    const { newcomers, ...saw } = JSON.parse(stdout) as { readonly newcomers: number } & Record<string, unknown>
    expect(newcomers).toBeGreaterThan(5)
    expect(saw).toEqual({
      outcomes: ['erased', 'store_unavailable', 'stored'],
      refused: 120,
      readable: [24, newcomers],
      signedOut: 20,
      revoked: 1,
      afterwards: 'stored',
      // The one whose user was thrown out is among those who stayed.
      reopened: relief === 'sweep' ? { signedOut: 0, stayed: 0, newcomers: 0 } : { signedOut: 0, stayed: 3, newcomers },
    })
  },
)
