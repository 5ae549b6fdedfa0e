import { Router } from 'express'
import { getSession } from 'coatcheck/express'
import type { Cloakroom } from '../sessions.ts'
import { deviceLabel } from '../device-label.ts'
import { field, tell } from './request.ts'

/** Signing in and out, here and elsewhere. */
export function deviceRoutes({ sessions }: Cloakroom): Router {
  return Router()
    .post('/sign-in', async (req, res) => {
      const user = field(req, 'name').trim().toLowerCase().slice(0, 40)
      if (user !== '') {
        const auth = await getSession<{ device: string }>(req, 'auth')
        auth.signIn(user)
        auth.set('device', deviceLabel(req.headers['user-agent'] ?? ''))
        await tell(req, `Welcome, ${user}. Your browser has a new secret.`)
      }
      res.redirect(303, '/#devices')
    })
    .post('/sign-out', async (req, res) => {
      const auth = await getSession(req, 'auth')
      auth.destroy()
      await tell(req, 'You are signed out here.')
      res.redirect(303, '/#devices')
    })
    .post('/devices/sign-out', async (req, res) => {
      const auth = await getSession(req, 'auth')
      const id = field(req, 'id')
      const own = auth.user === null ? [] : await sessions.list(auth.user, 'auth')
      const target = own.find((one) => one.id === id)
      if (target !== undefined) await sessions.revoke(target.id, 'auth')
      await tell(
        req,
        target === undefined
          ? 'That is no device of yours, or it is signed out already.'
          : `${String(target.get('device'))} is signed out.`,
      )
      res.redirect(303, '/#devices')
    })
    .post('/devices/others', async (req, res) => {
      const auth = await getSession(req, 'auth')
      if (auth.user !== null) {
        const ended = await sessions.revokeUser(auth.user, { except: auth.id }, 'auth')
        await tell(req, `Signed out on ${ended === 1 ? 'one other device' : `${ended} other devices`}.`)
      }
      res.redirect(303, '/#devices')
    })
}
