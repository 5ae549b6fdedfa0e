import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const program = fileURLToPath(new URL('../support/polluted.ts', import.meta.url))

/** In a process of its own: a polluted prototype would spoil the test runner too. */
async function lifeWith(polluted: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, polluted])
  return JSON.parse(stdout)
}

const clean = await lifeWith('')

it('P-02 a polluted Object.prototype decides nothing, and we pollute nothing', async () => {
  const [life, withoutSecret] = clean as [unknown[], string]
  expect(life.slice(0, 3)).toEqual(['stored', '__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax', [1, null, null, false, []]])
  expect(withoutSecret).toBe('config_invalid')
  expect(await lifeWith('all')).toEqual(clean)
})

it.each(['get,set,ttl,role', 'secret,secure,path,domain', 'keep,grace,except', 'previous', 'random,clock'])(
  'P-02 nor does one with %s',
  async (polluted) => {
    expect(await lifeWith(polluted)).toEqual(clean)
  },
)
