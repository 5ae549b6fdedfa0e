import type { Serve } from './site.ts'

/** One thing an adapter must do. The name begins with the id of the guarantee. */
export interface Case {
  readonly name: string
  run(serve: Serve): Promise<void>
}
