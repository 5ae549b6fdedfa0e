import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type Request, Router } from 'express'
import { getSession } from 'coatcheck/express'
import type { Cloakroom } from '../sessions.ts'
import { backendOf, tell } from './request.ts'

/**
 * Fifty requests at once. The first step gives the visitor a ticket, or fifty newcomers would make fifty sessions. With JavaScript
 * the page sends the fifty itself (public/fifty.js); without, the browser is sent on to `/fifty/for-me` and the server calls itself.
 */
export function fiftyRoutes(cloakroom: Cloakroom): Router {
  return Router()
    .post('/fifty', async (req, res) => {
      const session = await getSession<{ fifty: number }>(req, await backendOf(req, cloakroom))
      session.set('fifty', 0)
      if (req.get('accept') === 'application/json') res.json({ kept: 0 })
      // 307 keeps the method: the browser posts again, now with its ticket.
      else res.redirect(307, '/fifty/for-me')
    })
    .post('/fifty/one', async (req, res) => {
      const session = await getSession<{ fifty: number }>(req, await backendOf(req, cloakroom))
      await wait(Math.random() * 20)
      res.json({ now: session.update('fifty', (n) => (n ?? 0) + 1) })
    })
    .get('/fifty', async (req, res) => {
      const session = await getSession<{ fifty: number }>(req, await backendOf(req, cloakroom))
      res.json({ kept: session.get('fifty') ?? 0 })
    })
    .post('/fifty/for-me', async (req, res) => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => addOne(req)))
      // As in a browser, the last answer decides what the cookie holds.
      for (const cookie of answers.at(-1) ?? []) res.append('Set-Cookie', cookie)
      await tell(req, 'Fifty requests are back.')
      res.redirect(303, '/#fifty')
    })
}

/** Posts one update to this server with the visitor's own cookies; answers the cookies that came back. */
function addOne(req: Request): Promise<readonly string[]> {
  const { localAddress, localPort } = req.socket
  const { cookie = '', host = '' } = req.headers
  return new Promise((resolve, reject) => {
    request({ host: localAddress, port: localPort, path: '/fifty/one', method: 'POST', headers: { cookie, host } }, (answer) => {
      answer.resume().on('end', () => resolve(answer.headers['set-cookie'] ?? []))
    })
      .on('error', reject)
      .end()
  })
}
