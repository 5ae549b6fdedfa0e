import type { Subject } from './subject.ts'

/** A server process imports one of them, so that nobody's globals or hooks slow somebody else. */
const groups: Record<string, () => Promise<{ subjects: Subject[] }>> = {
  bare: () => import('./bare.ts'),
  floors: () => import('./floors.ts'),
  ours: () => import('./ours.ts'),
  express: () => import('./express-peers.ts'),
  fastify: () => import('./fastify-peers.ts'),
  koa: () => import('./koa-session.ts'),
  hono: () => import('./hono-sessions.ts'),
  iron: () => import('./iron-session.ts'),
  h3: () => import('./h3-session.ts'),
  'ours on servers': () => import('./ours-on-servers.ts'),
  'redis floor': () => import('./redis-floor.ts'),
  'express on servers': () => import('./express-on-servers.ts'),
  'fastify on servers': () => import('./fastify-on-servers.ts'),
  'koa on servers': () => import('./koa-on-servers.ts'),
}

/** A subject, and the group its process imports. */
export interface Listed {
  readonly group: string
  readonly subject: Subject
}

export async function listSubjects(): Promise<Listed[]> {
  const lists = Object.entries(groups).map(async ([group, load]) => (await load()).subjects.map((subject) => ({ group, subject })))
  return (await Promise.all(lists)).flat()
}

export async function findSubject(group: string, name: string): Promise<Subject> {
  const { subjects } = (await groups[group]?.()) ?? { subjects: [] }
  const found = subjects.find((subject) => subject.name === name)
  if (found === undefined) throw new Error(`no subject "${name}" in group "${group}"`)
  return found
}
