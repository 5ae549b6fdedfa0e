/** Stores broken in one way each: what the contract must catch. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StoredRow } from '../../src/core/types.ts'
import { HonestStore } from './honest-store.ts'

type Break = (store: HonestStore) => void

const dayMs = 24 * 3_600_000

const writes: Record<string, Break> = {
  'put ignores the version': (store) => {
    store.holds = () => true
  },
  'put revives': (store) => {
    store.holds = (id, expected) => !store.rows.has(id) || store.rows.get(id)?.version === expected
  },
  'creating overwrites': (store) => {
    store.holds = (id, expected) => expected === null || store.rows.get(id)?.version === expected
  },
  'put goes by any version that was ever minted': (store) => {
    const minted = new Set<string | null>([null])
    const { mint } = store
    store.mint = (row) => {
      const version = mint.call(store, row)
      minted.add(version)
      return version
    }
    store.holds = (id, expected) => minted.has(expected) && store.rows.has(id) === (expected !== null)
  },
  'a refused put answers a version': (store) => {
    store.put = async (row, expected) => (store.holds(row.id, expected) ? store.write(row) : store.mint(row))
  },
  'put answers the version before': (store) => {
    store.put = async (row, expected) => {
      if (!store.holds(row.id, expected)) return null
      const version = store.write(row)
      return expected ?? version
    }
  },
  'put answers nothing': (store) => {
    store.put = async (row, expected) => (store.holds(row.id, expected) ? store.write(row) && '' : null)
  },
  'versions are made of what is written': (store) => {
    store.mint = ({ body, user }) => `${body.length}-${user}`
  },
  'versions start over with each life of a row (ABA)': (store) => {
    store.mint = ({ id }) => `${Number(store.rows.get(id)?.version ?? 0) + 1}`
  },
  'versions are times': (store) => {
    store.mint = () => `${Date.now()}`
  },
  'two win: put looks, waits, and writes': (store) => {
    store.put = async (row, expected) => {
      const holds = store.holds(row.id, expected)
      await nextTurn()
      return holds ? store.write(row) : null
    }
  },
  'two create: put looks, waits, and writes where nothing is': (store) => {
    store.put = async (row, expected) => {
      const holds = store.holds(row.id, expected)
      if (expected === null) await nextTurn()
      return holds ? store.write(row) : null
    }
  },
  'the first to be told is not the one that is kept': (store) => {
    store.put = async (row, expected) => {
      const holds = store.holds(row.id, expected)
      const have = store.rows.get(row.id)
      if (!holds && have !== undefined) store.rows.set(row.id, { ...have, body: row.body })
      return holds ? store.write(row) : null
    }
  },
  'a put under way outlives a delete': (store) => {
    store.put = async (row, expected) => {
      if (!store.holds(row.id, expected)) return null
      const version = store.write(row)
      const written = store.rows.get(row.id)
      await nextTurn()
      if (written !== undefined) store.rows.set(row.id, written)
      return version
    }
  },
  'delete throws where nothing is': (store) => {
    store.delete = async (id) => {
      if (!store.rows.has(id)) throw new Error('not found')
      store.remove(id)
    }
  },
  'delete keeps the row with nothing in it': (store) => {
    store.delete = async (id) => {
      const row = store.rows.get(id)
      store.unindex(id)
      if (row !== undefined) store.rows.set(id, { ...row, body: '' })
    }
  },
  'get lends out its own row': (store) => {
    store.get = async (id) => store.rows.get(id) ?? null
  },
  'put keeps the row it was lent': (store) => {
    store.put = async (row, expected) => {
      if (!store.holds(row.id, expected)) return null
      const version = store.write(row)
      store.rows.set(row.id, Object.assign(row, { version }))
      return version
    }
  },
  'getNow lags behind': (store) => {
    const first = new Map<string, StoredRow>()
    store.getNow = (id) => {
      const row = first.get(id) ?? store.rows.get(id) ?? null
      if (row !== null) first.set(id, row)
      return row
    }
  },
}

const columns: Record<string, Break> = {
  'put forgets the user': changing((row) => ({ ...row, user: null })),
  'expiry is in seconds': changing((row) => ({ ...row, expiresAt: Math.floor(row.expiresAt / 1_000) * 1_000 })),
  'bodies are cut': changing((row) => ({ ...row, body: row.body.slice(0, 20_000) })),
  'bodies are trimmed': changing((row) => ({ ...row, body: row.body.trim() })),
  'bodies are normalised': changing((row) => ({ ...row, body: row.body.normalize('NFC') })),
  'bodies are Latin-1': changing((row) => ({ ...row, body: Buffer.from(row.body, 'latin1').toString('latin1') })),
  'bodies end at a zero': changing((row) => ({ ...row, body: row.body.split('\0')[0] ?? '' })),
  'escapes are resolved': changing((row) => ({
    ...row,
    body: row.body.replaceAll(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  })),
  'quotes are doubled': changing((row) => ({ ...row, body: row.body.replaceAll("'", "''") })),
  'line ends are unified': changing((row) => ({ ...row, body: row.body.replaceAll('\r\n', '\n') })),
  'bodies are numbers where they can be': changing((row) => ({ ...row, body: /^\d+$/.test(row.body) ? `${Number(row.body)}` : row.body })),
  'backslashes are eaten': changing((row) => ({ ...row, body: row.body.replaceAll(/\\(?=x)/g, '') })),
  'users end at a line end': changing((row) => ({ ...row, user: row.user?.split('\r\n')[0] ?? null })),
  'ids have no case': folding((id) => id.toLowerCase()),
  'dashes in ids are underscores': folding((id) => id.replaceAll('-', '_')),
  'ids are cut': folding((id) => id.slice(0, 23)),
  'ids of digits are numbers': folding((id) => (/^-?[\de]{23,}$/.test(id) ? `${Number.parseFloat(id)}` : id)),
  'rows live in a plain object': (store) => {
    store.holds = (id, expected) => !/^(__proto__|constructor)/.test(id) && (store.rows.get(id)?.version ?? null) === expected
  },
  'a row over the limit is cut': changing((row) => ({ ...row, body: row.body.slice(0, 100_000) })),
}

const expiry: Record<string, Break> = {
  'touch does nothing': (store) => {
    store.touch = async (id) => store.rows.has(id)
  },
  'touch moves to an earlier time': (store) => {
    store.touch = async (id, expiresAt) => rewriting(store, id, { expiresAt })
  },
  'touch changes the version': (store) => {
    store.touch = async (id, expiresAt) => {
      const row = store.rows.get(id)
      if (row !== undefined) store.write({ ...row, expiresAt: Math.max(row.expiresAt, expiresAt) })
      return row !== undefined
    }
  },
  'touch changes the body': (store) => {
    const { touch } = store
    store.touch = async (id, expiresAt) => (await touch.call(store, id, expiresAt)) && rewriting(store, id, { body: '{}' })
  },
  'touch always answers true': (store) => {
    const { touch } = store
    store.touch = async (id, expiresAt) => (await touch.call(store, id, expiresAt)) || true
  },
  'touch makes a row': (store) => {
    const { touch } = store
    store.touch = async (id, expiresAt) => {
      if (await touch.call(store, id, expiresAt)) return true
      store.write({ id, body: '{}', user: null, expiresAt })
      return false
    }
  },
  'touch leaves the user index to end at the first expiry': (store) => {
    const ends = endsAtWrite(store, 'last')
    store.idsOf = async (user) => [...(store.users.get(user) ?? [])].filter((id) => (ends.get(id) ?? 0) > Date.now())
  },
  'put leaves the row to end at its first expiry': (store) => {
    const ends = endsAtWrite(store, 'first')
    const { get } = store
    store.get = async (id) => ((ends.get(id) ?? 0) > Date.now() ? get.call(store, id) : null)
  },
  'a life over 30 days is over at once': (store) => {
    const { get } = store
    store.get = async (id) => ((store.rows.get(id)?.expiresAt ?? 0) > Date.now() + 30 * dayMs ? null : get.call(store, id))
  },
  'an expired row is given away': (store) => {
    store.holds = (id, expected) => {
      const row = store.rows.get(id)
      return (row?.version ?? null) === expected || (expected === null && row !== undefined && row.expiresAt < Date.now())
    }
  },
  'sweep ignores its limit': (store) => {
    const { sweep } = store
    store.sweep = async (now, limit) => Math.min(limit, await sweep.call(store, now, Number.POSITIVE_INFINITY))
  },
  'sweep says less than it drops': (store) => {
    const { sweep } = store
    store.sweep = async (now, limit) => Math.min(1, await sweep.call(store, now, limit))
  },
  'sweep says something and drops nothing': (store) => {
    store.sweep = async (now, limit) => Math.min(limit, store.expired(now).length)
  },
  'sweep drops nothing': (store) => {
    store.sweep = async () => 0
  },
  'sweep drops what lives': (store) => {
    const { sweep } = store
    store.sweep = (now, limit) => sweep.call(store, now + 120_000, limit)
  },
  'sweep goes by its own clock': (store) => {
    const { sweep } = store
    store.sweep = (_now, limit) => sweep.call(store, Date.now(), limit)
  },
  'sweep goes by the first expiry': (store) => {
    const ends = endsAtWrite(store, 'first')
    store.expired = (now) => [...store.rows.keys()].filter((id) => (ends.get(id) ?? 0) < now)
  },
  'sweep goes by the last put': (store) => {
    const ends = endsAtWrite(store, 'last')
    store.expired = (now) => [...store.rows.keys()].filter((id) => (ends.get(id) ?? 0) < now)
  },
  'sweep leaves the user index': (store) => {
    store.sweep = async (now, limit) => {
      const over = store.expired(now).slice(0, limit)
      for (const id of over) store.rows.delete(id)
      return over.length
    }
  },
}

const users: Record<string, Break> = {
  'delete leaves the user index': (store) => {
    store.delete = async (id) => void store.rows.delete(id)
  },
  'delete empties the user index': (store) => {
    store.delete = async (id) => {
      store.users.delete(store.rows.get(id)?.user ?? '')
      store.rows.delete(id)
    }
  },
  'a change of user leaves the old index': (store) => {
    const { remove, unindex } = store
    store.unindex = (id) => void (store.rows.get(id)?.user === null && unindex.call(store, id))
    store.remove = (id) => {
      unindex.call(store, id)
      remove.call(store, id)
    }
  },
  'a refused put moves the user index': (store) => {
    store.put = async (row, expected) => {
      store.index(row.id, row.user)
      return store.holds(row.id, expected) ? store.write(row) : null
    }
  },
  'idsOf goes by the beginning of the name': finding((name, user) => name.startsWith(user)),
  'idsOf goes by the name without case': finding((name, user) => name.toLowerCase() === user.toLowerCase()),
  'idsOf goes by the name without accents': finding((name, user) => name.localeCompare(user, 'en', { sensitivity: 'base' }) === 0),
  'idsOf goes by the name without spaces at its end': finding((name, user) => name.trimEnd() === user.trimEnd()),
  'idsOf takes a pattern': finding((name, user) =>
    new RegExp(
      `^${user
        .replaceAll(/[^\w%*]/g, String.raw`\$&`)
        .replaceAll('_', '.')
        .replaceAll(/[%*]/g, '.*')}$`,
      's',
    ).test(name),
  ),
  'idsOf stops at ten': (store) => {
    store.idsOf = async (user) => [...(store.users.get(user) ?? [])].slice(0, 10)
  },
}

const pages: Record<string, Break> = {
  'getMany answers in the order of ids': (store) => {
    const { getMany } = store
    store.getMany = (ids) => getMany.call(store, ids.toSorted())
  },
  'getMany leaves out what is not there': (store) => {
    const { getMany } = store
    store.getMany = async (ids) => (await getMany.call(store, ids)).filter((row) => row !== null)
  },
  'getMany answers an id once': (store) => {
    const { getMany } = store
    store.getMany = (ids) => getMany.call(store, [...new Set(ids)])
  },
  'scan skips the last of each page': (store) => {
    const { scan } = store
    store.scan = async (cursor, limit) => {
      const page = await scan.call(store, cursor, limit)
      return page.cursor === null ? page : { ...page, ids: page.ids.slice(0, -1) }
    }
  },
  'scan never ends': (store) => {
    const { scan } = store
    store.scan = async (cursor, limit) => ({ ...(await scan.call(store, cursor, limit)), cursor: cursor ?? '0' })
  },
  'scan ignores its limit': (store) => {
    store.scan = async () => ({ ids: [...store.rows.keys()], cursor: null })
  },
  'scan counts places': (store) => {
    store.scan = async (cursor, limit) => {
      const from = Number(cursor ?? 0)
      const ids = [...store.rows.keys()].slice(from, from + limit)
      return { ids, cursor: ids.length < limit ? null : `${from + limit}` }
    }
  },
}

const handles: Record<string, Break> = {
  'a handle reads from a cache of its own': (store) => {
    const cache = new Map<string, StoredRow | null>()
    store.second = Object.assign(Object.create(store) as HonestStore, {
      async get(id: string) {
        if (!cache.has(id)) cache.set(id, await store.get(id))
        return cache.get(id) ?? null
      },
    })
  },
  'a handle checks versions before the other has written': (store) => {
    store.second = Object.assign(Object.create(store) as HonestStore, {
      async put(row: StoredRow, expected: string | null) {
        const holds = store.holds(row.id, expected)
        await nextTurn()
        return holds ? store.write(row) : null
      },
    })
  },
  'the last write is lost at a restart': (store) => {
    store.restart = () => void store.rows.delete([...store.rows.keys()].at(-1) ?? '')
  },
  'a delete is lost at a restart': (store) => {
    const deleted: StoredRow[] = []
    store.delete = async (id) => {
      const row = store.rows.get(id)
      if (row !== undefined) deleted.push(row)
      store.remove(id)
    }
    store.restart = () => deleted.forEach((row) => store.rows.set(row.id, row))
  },
  'versions start over at a restart': (store) => {
    store.restart = () => void (store.versions = 1_000)
  },
  'versions go on from the highest that is left at a restart': (store) => {
    store.restart = () => void (store.versions = Math.max(...[...store.rows.values()].map(({ version }) => Number(version))))
  },
  'the user index is lost at a restart': (store) => {
    store.restart = () => store.users.clear()
  },
  'it claims a user index that is not there': (store) => {
    store.idsOf = undefined as never
  },
  'it has no sweep and does not say so': (store) => {
    store.sweep = undefined as never
  },
  'it says nothing of eviction': (store) => {
    Object.assign(store.guarantees, { mayEvict: undefined })
  },
  'it says it does not compare and swap, though it does': (store) => {
    Object.assign(store.guarantees, { compareAndSwap: false })
  },
  'ready refuses a right server': (store) => {
    store.ready = () => Promise.reject(new Error('not what it should be'))
  },
  'ready makes the table anew': (store) => {
    store.ready = async () => store.rows.clear()
  },
  'it cannot be closed': (store) => {
    Object.assign(store, { close: () => Promise.reject(new Error('already closed')) })
  },
}

export const mutants: Readonly<Record<string, Break>> = { ...writes, ...columns, ...expiry, ...users, ...pages, ...handles }

/** Changes rows on their way in. */
function changing(column: HonestStore['column']): Break {
  return (store) => {
    store.column = column
  }
}

/** Takes some ids for one. */
function folding(fold: (id: string) => string): Break {
  return (store) => {
    const { get, put, remove } = store
    store.put = (row, expected) => put.call(store, { ...row, id: fold(row.id) }, expected)
    store.get = async (id) => {
      const row = await get.call(store, fold(id))
      return row === null ? null : { ...row, id }
    }
    store.delete = async (id) => remove.call(store, fold(id))
  }
}

/** Finds the sessions of all users that are alike. */
function finding(alike: (name: string, user: string) => boolean): Break {
  return (store) => {
    store.idsOf = async (user) => [...store.rows.values()].filter((row) => row.user !== null && alike(row.user, user)).map(({ id }) => id)
  }
}

function rewriting(store: HonestStore, id: string, columns: Partial<StoredRow>): boolean {
  const row = store.rows.get(id)
  if (row !== undefined) store.rows.set(id, { ...row, ...columns })
  return row !== undefined
}

/** The expiry that the first, or the last, put of each id gave it. */
function endsAtWrite(store: HonestStore, which: 'first' | 'last'): Map<string, number> {
  const ends = new Map<string, number>()
  const { write } = store
  store.write = (row) => {
    if (which === 'last' || !ends.has(row.id)) ends.set(row.id, row.expiresAt)
    return write.call(store, row)
  }
  return ends
}
