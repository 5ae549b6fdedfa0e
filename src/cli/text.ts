/** Words for a terminal. */
import { styleText } from 'node:util'
import type { Io, Output } from './io.ts'

/** `1,234,567` */
export function amount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `1 session`, `2 sessions` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`
}

/** `4 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Text of others without what a terminal would obey (ECMA-48, C0 and C1) and without turns of direction. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (one) => (one === '\n' ? one : '�'))
}

/** An argument as a shell takes it. */
export function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}

/** Colour on a terminal, unless somebody has set NO_COLOR (no-color.org). */
export function styled(format: 'cyan' | 'green' | 'yellow', text: string, stream: Output, { NO_COLOR: none = '' }: Io['env']): string {
  return stream.isTTY === true && none === '' ? styleText(format, text, { validateStream: false }) : text
}
