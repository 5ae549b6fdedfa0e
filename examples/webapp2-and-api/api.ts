// The API service beside it: all it shares with the web application is the secret and the cookie.
import { createServer, type Server } from 'node:http'
import { readWebapp2Cookie, writeWebapp2Cookie } from 'coatcheck/migrate/webapp2'

export function createApi(secretKey: string): Server {
  const cookie = { secretKey, name: 'session' }
  return createServer((req, res) => {
    const values = readWebapp2Cookie(req.headers.cookie, cookie)
    if (values === null) return void res.writeHead(401).end('nobody is signed in')
    if (req.method === 'POST') {
      // The browser sends the cookie along whoever asked it to.
      const site = req.headers['sec-fetch-site']
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return void res.writeHead(403).end('from another site')
      values['cart'] = [
        ...(Array.isArray(values['cart']) ? values['cart'] : []),
        new URL(req.url ?? '/', 'http://api').searchParams.get('add'),
      ]
      // Secure belongs here too, as soon as both are behind https.
      res.setHeader('Set-Cookie', `session=${writeWebapp2Cookie(values, cookie)}; Path=/; HttpOnly; SameSite=Lax`)
    }
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(values))
  })
}
