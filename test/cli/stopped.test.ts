import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/cli.ts'
import { folder, ran, screen } from './screen.ts'

test('Ctrl-C before a page has begun ends at once: there is nothing to finish', async () => {
  const cwd = folder()
  writeFileSync(join(cwd, 'waits.mjs'), 'await new Promise((resolve) => setTimeout(resolve, 60_000).unref())\n')
  const io = screen({ cwd })
  const running = runCli(['migrate', '--config', './waits.mjs'], io)
  await new Promise((resolve) => setTimeout(resolve, 100))
  io.stop()
  expect(await running).toBe(130)
  expect([io.out(), io.err()]).toEqual(['', 'coatcheck: Stopped before the first page was begun.\n'])
})

test('what goes to the memory of the command is gone with it, which is said before', async () => {
  const cwd = folder()
  const { exit, err } = await ran('migrate --from php-files --from-folder . --to memory:', { cwd })
  expect([exit, err.includes('is gone when this command ends')]).toEqual([0, true])
})

test('each source stands apart from what it is', async () => {
  const { out } = await ran('migrate --help')
  const sources = out.slice(out.indexOf('\nSources\n'), out.indexOf('\nEnds with')).split('\n')
  const named = sources.filter((line) => /^ {2}\S/.test(line))
  expect(named.length).toBeGreaterThan(10)
  for (const line of named) expect(line).toMatch(/^ {2}[a-z\d-]+ {2}/)
})
