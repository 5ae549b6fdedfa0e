const beginning = /, with args beginning with: .*/g

/** An error without what it quotes of a session: ioredis adds the whole command, and Redis the beginning of one it does not know. */
export function unquoted(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  Reflect.deleteProperty(error, 'command')
  const { message, stack } = error
  error.message = message.replaceAll(beginning, '')
  if (stack !== undefined) error.stack = stack.replaceAll(beginning, '')
  return error
}
