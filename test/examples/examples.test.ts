import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

const frameworks = ['node', 'express', 'fastify', 'koa', 'hono', 'fetch']

it.each(frameworks)('S4.11 examples/%s.ts counts the visits of one visitor', async (framework) => {
  const child = spawn(process.execPath, ['--import', './scripts/resolve-source.ts', `examples/${framework}.ts`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    const url = line.trim().replace('localhost', '127.0.0.1')
    let cookie = ''
    const said: string[] = []
    for (let visit = 0; visit < 3; visit++) {
      const response = await fetch(url, { headers: { cookie } })
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
      said.push(await response.text())
    }
    expect(said).toEqual(['visit 1', 'visit 2', 'visit 3'])
  } finally {
    child.kill()
  }
})
