import { bareHandlers, type Framework, type Running, type Subject } from './subject.ts'

/** Imported on demand, so that no framework's start-up touches another one's process. */
const servers: Record<Framework, () => Promise<Running>> = {
  node: async () => (await import('../frameworks/node.ts')).serveNode(bareHandlers()),
  express: async () => (await import('../frameworks/express.ts')).serveExpress(bareHandlers()),
  fastify: async () => (await import('../frameworks/fastify.ts')).serveFastify(bareHandlers()),
  koa: async () => (await import('../frameworks/koa.ts')).serveKoa(bareHandlers()),
  hono: async () => (await import('../frameworks/hono.ts')).serveHono(bareHandlers()),
  h3: async () => (await import('../frameworks/h3.ts')).serveH3(bareHandlers()),
}

export const subjects: Subject[] = (Object.keys(servers) as Framework[]).map((framework) => ({
  name: `bare ${framework}`,
  on: framework,
  kind: 'bare',
  sessionless: true,
  start: servers[framework],
}))
