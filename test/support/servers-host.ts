/**
 * Servers shared by all test files of a run, each file with a database of its own where servers have such. A server is started when
 * the first test asks for it, and all are ended with the run. The tests run in processes of their own, so they ask over HTTP.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { kindNamed } from '../../scripts/servers/index.ts'
import type { Server } from '../../scripts/servers/launch.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly serversHost: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<Server>>()
  const start = (name: string): Promise<Server> => {
    const server = started.get(name) ?? kindNamed(name).start()
    started.set(name, server)
    return server
  }
  let databases = 0
  const open = async (name: string): Promise<string> => {
    const { url } = await start(name)
    return kindNamed(name).database?.(url, `tests_${++databases}`) ?? url
  }
  const host = createServer((req, res) => {
    open(decodeURIComponent(req.url?.slice(1) ?? '')).then(
      (url) => res.end(url),
      (error: unknown) => res.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  project.provide('serversHost', `http://127.0.0.1:${(host.address() as AddressInfo).port}`)
  return async () => {
    host.closeAllConnections()
    await new Promise((resolve) => host.close(resolve))
    const servers = await Promise.allSettled(started.values())
    await Promise.all(servers.map((one) => (one.status === 'fulfilled' ? one.value.stop() : null)))
  }
}
