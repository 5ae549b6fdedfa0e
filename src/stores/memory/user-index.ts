/** Ids by user. Most users have one session, and a Set of one would take 250 bytes. */
export class UserIndex {
  readonly #idsOf = new Map<string, string | Set<string>>()

  add(user: string, id: string): void {
    const ids = this.#idsOf.get(user)
    if (ids === undefined) this.#idsOf.set(user, id)
    else if (typeof ids === 'string') this.#idsOf.set(user, new Set([ids, id]))
    else ids.add(id)
  }

  remove(user: string, id: string): void {
    const ids = this.#idsOf.get(user)
    if (typeof ids === 'object') ids.delete(id)
    if (ids === id || (typeof ids === 'object' && ids.size === 0)) this.#idsOf.delete(user)
  }

  idsOf(user: string): string[] {
    const ids = this.#idsOf.get(user) ?? []
    return typeof ids === 'string' ? [ids] : [...ids]
  }
}
