import { CoatcheckError } from '../core/errors.ts'

/** What a client may know of an error: our codes name no secret; anything else is a plain 500. */
export function errorAnswer(error: unknown): { readonly status: number; readonly text: string } {
  return error instanceof CoatcheckError ? { status: error.status, text: error.code } : { status: 500, text: 'Internal Server Error' }
}

/** The same as a fetch `Response`. */
export function errorResponse(error: unknown): Response {
  if (error instanceof CoatcheckError) return error.getResponse()
  const { status, text } = errorAnswer(error)
  return new Response(text, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
