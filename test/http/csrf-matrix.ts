/**
 * The expected verdicts, written by hand: a line for what Origin says, a column for what Sec-Fetch-Site says.
 * Our server answers at https://app.example.com; https://partner.example is the one trusted origin.
 */

/** What a browser, or somebody who plays one, may put into Origin. */
const origins: Record<string, string | undefined> = {
  absent: undefined,
  own: 'https://app.example.com',
  trusted: 'https://partner.example',
  null: 'null',
  'other scheme': 'http://app.example.com',
  'other port': 'https://app.example.com:8443',
  'other host': 'https://evil.example',
  'sibling host': 'https://blog.example.com',
  'parent host': 'https://example.com',
  suffix: 'https://app.example.com.evil.example',
  prefix: 'https://evil-app.example.com',
  'trusted suffix': 'https://partner.example.evil.example',
  'trusted over http': 'http://partner.example',
  'own with path': 'https://app.example.com/',
  'own in capitals': 'HTTPS://APP.EXAMPLE.COM',
  'own with user': 'https://app.example.com@evil.example',
  'own twice': 'https://app.example.com, https://app.example.com',
  'own and other': 'https://app.example.com https://evil.example',
  'no scheme': 'app.example.com',
  empty: '',
}

/** Sec-Fetch-Site by column; `garbage` stands for everything that is none of the four words. */
const sites: Record<string, readonly (string | undefined)[]> = {
  absent: [undefined],
  'same-origin': ['same-origin'],
  none: ['none'],
  'same-site': ['same-site'],
  'cross-site': ['cross-site'],
  duplicate: ['same-origin, same-origin', 'none, cross-site'],
  garbage: ['', 'Same-Origin', 'NONE', 'same-origin ', 'same_origin', 'same-origin;x', '"none"', 'null', '*'],
}

/** POST and all other unsafe methods, with no `origin` configured: Host decides whose Origin it is. */
const byHost = `
                  | absent  | same-origin | none    | same-site | cross-site | duplicate  | garbage
absent            | allowed | allowed     | allowed | same-site | cross-site | cross-site | cross-site
own               | allowed | allowed     | allowed | same-site | cross-site | cross-site | cross-site
trusted           | allowed | allowed     | allowed | allowed   | allowed    | allowed    | allowed
null              | origin  | allowed     | allowed | same-site | cross-site | cross-site | cross-site
other scheme      | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
other port        | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
other host        | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
sibling host      | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
parent host       | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
suffix            | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
prefix            | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
trusted suffix    | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
trusted over http | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
own with path     | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
own in capitals   | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
own with user     | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
own twice         | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
own and other     | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
no scheme         | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
empty             | origin  | allowed     | origin  | same-site | cross-site | cross-site | cross-site
`

/** The same with `origin: 'https://app.example.com'`: an Origin that names another one is refused whatever else is said. */
const byOption = `
                  | absent  | same-origin | none    | same-site | cross-site | duplicate  | garbage
absent            | allowed | allowed     | allowed | same-site | cross-site | cross-site | cross-site
own               | allowed | allowed     | allowed | same-site | cross-site | cross-site | cross-site
trusted           | allowed | allowed     | allowed | allowed   | allowed    | allowed    | allowed
null              | origin  | allowed     | allowed | same-site | cross-site | cross-site | cross-site
other scheme      | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
other port        | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
other host        | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
sibling host      | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
parent host       | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
suffix            | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
prefix            | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
trusted suffix    | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
trusted over http | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
own with path     | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
own in capitals   | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
own with user     | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
own twice         | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
own and other     | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
no scheme         | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
empty             | origin  | origin      | origin  | same-site | cross-site | cross-site | cross-site
`

/** A WebSocket handshake by GET, configured or not: Origin has to be there and to be ours or trusted. */
const handshake = `
                  | absent  | same-origin | none    | same-site | cross-site | duplicate  | garbage
absent            | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own               | allowed | allowed     | allowed | same-site | cross-site | cross-site | cross-site
trusted           | allowed | allowed     | allowed | allowed   | allowed    | allowed    | allowed
null              | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
other scheme      | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
other port        | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
other host        | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
sibling host      | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
parent host       | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
suffix            | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
prefix            | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
trusted suffix    | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
trusted over http | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own with path     | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own in capitals   | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own with user     | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own twice         | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
own and other     | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
no scheme         | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
empty             | upgrade | upgrade     | upgrade | upgrade   | upgrade    | upgrade    | upgrade
`

/** One request and what must become of it. */
export interface Row {
  readonly origin: string | undefined
  readonly site: string | undefined
  readonly expected: string
}

export const tables = { byHost: rowsOf(byHost), byOption: rowsOf(byOption), handshake: rowsOf(handshake) }

function rowsOf(table: string): Row[] {
  const [head = [], ...lines] = table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const columns = head.slice(1)
  return lines.flatMap(([originName = '', ...cells]) =>
    cells.flatMap((expected, at) => {
      const values = sites[columns[at] ?? '']
      if (values === undefined || !(originName in origins)) throw new Error(`no such cell: ${originName} ${columns[at]}`)
      return values.map((site) => ({ origin: origins[originName], site, expected }))
    }),
  )
}
