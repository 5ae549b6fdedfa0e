/** The session every subject carries: ten keys, a nested cart, a counter, 1,024 bytes as JSON. */
export interface SessionData {
  n: number
  name: string
  locale: string
  theme: string
  seenAt: string
  permissions: string[]
  cart: { currency: string; items: { sku: string; title: string; quantity: number; priceCents: number }[] }
  recent: string[]
  preferences: { mail: boolean; currency: string; columns: number }
  note: string
}

const bytesWanted = 1024

/** What `/read` answers for this visitor. Always 12 characters, so that every response of a route has the same size. */
export function visitorName(visitor: number): string {
  return `visitor-${String(visitor).padStart(4, '0')}`
}

export function sampleSession(visitor: number): SessionData {
  const session: SessionData = {
    n: 0,
    name: visitorName(visitor),
    locale: 'en-GB',
    theme: 'dark',
    seenAt: '2026-11-02T09:41:07.318Z',
    permissions: ['orders:read', 'orders:write', 'invoices:read', 'profile:write'],
    cart: {
      currency: 'EUR',
      items: [
        { sku: 'CT-1042', title: 'Wool overcoat, charcoal', quantity: 1, priceCents: 24900 },
        { sku: 'HT-0310', title: 'Felt hat', quantity: 2, priceCents: 5900 },
        { sku: 'UM-0077', title: 'Umbrella, wooden handle', quantity: 1, priceCents: 4550 },
      ],
    },
    recent: ['/coats/wool', '/hats', '/umbrellas?sort=price', '/checkout'],
    preferences: { mail: false, currency: 'EUR', columns: 4 },
    note: '',
  }
  session.note = 'the quick brown fox hangs up its coat. '.repeat(20).slice(0, bytesWanted - JSON.stringify(session).length)
  return session
}

/** The same for everybody; 48 characters, which every subject accepts. */
export const secret = 'a secret of 48 characters, only for this program'
