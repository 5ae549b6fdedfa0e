/** Text that is HTML already. Only {@link html} makes it. */
class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

export type { Html }

/** What may stand in a template: text is escaped, HTML is not, and nothing (`null`, `undefined`, `false`) is nothing. */
export type Slot = string | number | Html | null | undefined | false | readonly Slot[]

/** A template tag that escapes. Attribute values must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...slots: readonly Slot[]): Html {
  return new Html(strings.reduce((text, part, i) => text + render(slots[i - 1]) + part))
}

function render(slot: Slot): string {
  if (slot === null || slot === undefined || slot === false) return ''
  if (slot instanceof Html) return slot.toString()
  if (Array.isArray(slot)) return (slot as readonly Slot[]).map(render).join('')
  return String(slot).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
