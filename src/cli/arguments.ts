/** Options of a command as a table, from which come the reading of its command line and its help. */
import { parseArgs } from 'node:util'
import { usage } from './io.ts'
import { didYouMean } from './nearest.ts'

interface Option {
  /** What stands for its value in the help: `<address>`. Without one it is a switch. */
  readonly value?: string
  /** May be given more than once. */
  readonly many?: true
  readonly short?: string
  readonly help: string
}

export type Options = Readonly<Record<string, Option>>

/** What was given, by the names of the table. */
export interface Given<Name extends string> {
  /** The value of an option; of one that was given twice the last. */
  text(name: Name): string | undefined
  texts(name: Name): readonly string[]
  has(name: Name): boolean
  readonly others: readonly string[]
}

/** Reads a command line. Throws with exit code 2, and with what was probably meant. */
export function readArguments<Table extends Options>(args: readonly string[], table: Table): Given<keyof Table & string> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, short }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true, ...(short === undefined ? {} : { short }) },
    ]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const given = new Map<string, string[]>()
  const others: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') others.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined
    if (option === undefined) throw usage(`there is no option ${token.rawName}${didYouMean(token.name, Object.keys(table), '--')}`)
    given.set(token.name, [...(given.get(token.name) ?? []), checked(token.rawName, option, token.value)])
  }
  return { text: (name) => given.get(name)?.at(-1), texts: (name) => given.get(name) ?? [], has: (name) => given.has(name), others }
}

function checked(name: string, option: Option, value: string | undefined): string {
  if (option.value === undefined) {
    if (value === undefined) return ''
    throw usage(`${name} is a switch and takes no value; write ${name} alone`)
  }
  if (value === undefined || value === '' || value.startsWith('--')) throw usage(`${name} needs a value; write ${name} ${option.value}`)
  return value
}

/** The options as lines of a help. */
export function helpOf(table: Options): string {
  const heads = Object.entries(table).map(([name, { value, short, help }]) => {
    const head = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
    return { head, help: help.split('\n') }
  })
  const width = Math.max(...heads.map(({ head }) => head.length)) + 2
  return heads.map(({ head, help }) => `  ${head.padEnd(width)}${help.join(`\n${' '.repeat(width + 2)}`)}`).join('\n')
}
