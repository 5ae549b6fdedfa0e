import { type Request, Router } from 'express'
import { getSession } from 'coatcheck/express'
import { home } from '../pages/home.ts'
import type { Backend, Cart, Device, Halves, Variable } from '../view.ts'
import type { Cloakroom } from '../sessions.ts'
import { backendOf, cookieOf, field } from './request.ts'

/** The page itself. Reading it stores nothing, but that flash messages are taken out. */
export function pageRoutes(cloakroom: Cloakroom): Router {
  return Router()
    .get('/', async (req, res) => {
      const on = await backendOf(req, cloakroom)
      const auth = await getSession(req, 'auth')
      const notes = await getSession(req, 'notes')
      const page = home({
        nowMs: Date.now(),
        on,
        pegs: cloakroom.pegs,
        halves: await halvesOf(req, on, cloakroom),
        flashes: await notes.flashes(),
        variables: await variablesOf(req, on),
        cart: await cartOf(req),
        user: auth.user,
        devices: auth.user === null ? [] : await devicesOf(auth.user, auth.id, cloakroom),
      })
      res.send(String(page))
    })
    .post('/switch', async (req, res) => {
      const prefs = await getSession<{ on: Backend }>(req, 'prefs')
      const wanted = cloakroom.pegs.find(({ on }) => on === field(req, 'on'))
      if (wanted !== undefined) prefs.set('on', wanted.on)
      res.redirect(303, '/')
    })
}

async function halvesOf(req: Request, on: Backend, { storeOf }: Cloakroom): Promise<Halves> {
  const session = await getSession(req, on)
  const row = session.isNew ? null : ((await storeOf[on]?.get(session.id)) ?? null)
  return { cookieName: on, token: cookieOf(req, on), row }
}

async function variablesOf(req: Request, on: Backend): Promise<Variable[]> {
  const session = await getSession(req, on)
  return session.entries().map(([name, value]) => ({ name, value }))
}

async function cartOf(req: Request): Promise<Cart> {
  const session = await getSession<{ items: { name: string }[] }>(req, 'cart')
  const token = cookieOf(req, 'cart')
  return {
    items: (session.get('items') ?? []).map(({ name }) => name),
    spilled: token?.startsWith('t1') ?? false,
    cookieBytes: token === null ? 0 : 'cart='.length + token.length,
  }
}

async function devicesOf(user: string, ownId: string, { sessions }: Cloakroom): Promise<Device[]> {
  const list = await sessions.list(user, 'auth')
  const devices = list.map(({ id, signedInAt, lastUsedAt, get }) => {
    return { id, label: String(get('device') ?? 'A browser'), signedInAt, lastUsedAt, isThis: id === ownId }
  })
  return devices.toSorted((a, b) => Number(b.isThis) - Number(a.isThis))
}
