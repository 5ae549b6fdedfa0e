import { Router } from 'express'
import { getSession } from 'coatcheck/express'
import { goods } from '../goods.ts'
import type { Cloakroom } from '../sessions.ts'
import { backendOf, field, tell } from './request.ts'

interface Things {
  readonly [name: string]: unknown
  readonly counter: number
}

/** The counter, the variables, the cart and the messages. Every form answers with a redirect, so a reload repeats nothing. */
export function thingRoutes(cloakroom: Cloakroom): Router {
  return Router()
    .post('/counter', async (req, res) => {
      const session = await getSession<Things>(req, await backendOf(req, cloakroom))
      const count = session.update('counter', (n) => (typeof n === 'number' ? n + 1 : 0))
      if (count >= 3) session.destroy()
      await tell(req, counterNotes[Math.min(count, 3)] ?? '')
      res.redirect(303, '/#counter')
    })
    .post('/variables', async (req, res) => {
      const session = await getSession<Things>(req, await backendOf(req, cloakroom))
      const [name, value, ttl] = [field(req, 'name'), field(req, 'value'), field(req, 'ttl')]
      session.set(name, value, ttl === '10s' || ttl === '1m' ? { ttl } : {})
      await tell(req, `“${name}” is set.`)
      res.redirect(303, '/#variables')
    })
    .post('/variables/delete', async (req, res) => {
      const session = await getSession<Things>(req, await backendOf(req, cloakroom))
      const name = field(req, 'name')
      await tell(req, session.delete(name) ? `“${name}” is gone.` : `“${name}” was gone already.`)
      res.redirect(303, '/#variables')
    })
    .post('/cart', async (req, res) => {
      const session = await getSession<{ items: { name: string; notes: string }[] }>(req, 'cart')
      const item = field(req, 'item')
      const good = Object.hasOwn(goods, item) ? goods[item] : undefined
      if (good !== undefined) session.update('items', (all) => [...(all ?? []), { name: good.name, notes: good.notes }])
      res.redirect(303, '/#cart')
    })
    .post('/cart/empty', async (req, res) => {
      const session = await getSession(req, 'cart')
      session.destroy()
      await tell(req, 'The cart is empty, its row and its cookie are gone.')
      res.redirect(303, '/#cart')
    })
    .post('/messages', async (req, res) => {
      await tell(req, field(req, 'message'))
      res.redirect(303, '/#messages')
    })
}

const counterNotes = [
  'A new session, with a 0 in it. Here is your ticket.',
  'The counter says 1.',
  'The counter says 2.',
  'The counter said 3, and the session is over: no row, no cookie.',
]
