/** What the values of a session must look like, now and when they were stored by an older release. */
import type { SchemaResult, StandardSchemaV1 } from './standard-schema.ts'
import type { State } from './body.ts'
import { CoatcheckError } from './errors.ts'
import { Texts } from './texts.ts'
import { encodeValue, harmless, readValue, type ValueLimits } from './values.ts'

/** Values by key, as a migration sees them. */
export type Values = Record<string, unknown>

export interface SchemaOptions {
  /** Any Standard Schema (zod, valibot, arktype, …) for the object of all values. */
  readonly schema?: StandardSchemaV1 | undefined
  /** Raise it whenever `schema` changes so that old data needs `migrate`. Default 0. */
  readonly schemaVersion?: number | undefined
  /** Turns values stored under an older `schemaVersion` into today's. May be asynchronous. */
  readonly migrate?: ((values: Values, fromVersion: number) => Values | Promise<Values>) | undefined
}

export interface SchemaCheck {
  readonly version: number
  /** Whether `check` may refuse anything. */
  readonly strict: boolean
  /** The state under today's schema: the very same object unless it is older. Throws `schema_invalid`. */
  upgrade(state: State): State | Promise<State>
  /** Throws `schema_invalid` when the values do not satisfy the schema. */
  check(state: State): void | Promise<void>
}

/** Builds the check once. Throws `config_invalid`. */
export function createSchemaCheck(options: SchemaOptions, limits: ValueLimits): SchemaCheck {
  const { schema, migrate, schemaVersion = 0 } = options
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 0)
    throw new CoatcheckError('config_invalid', 'schemaVersion must be a whole number from 0')
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw new CoatcheckError(
      'config_invalid',
      'schema is not a Standard Schema; pass a zod, valibot or arktype schema, or any object with "~standard"',
    )
  }

  const check = (state: State): void | Promise<void> => {
    if (schema === undefined) return
    const result = schema['~standard'].validate(valuesOf(state))
    return result instanceof Promise ? result.then(refuseIssues) : refuseIssues(result)
  }

  return {
    version: schemaVersion,
    strict: schema !== undefined,
    check,
    upgrade(state) {
      if (state.schemaVersion === schemaVersion) return state
      if (state.schemaVersion > schemaVersion) {
        throw new CoatcheckError(
          'schema_invalid',
          `the session was stored under schemaVersion ${state.schemaVersion}, which is newer than this process knows (${schemaVersion})`,
        )
      }
      return upgraded(state)
    },
  }

  async function upgraded(state: State): Promise<State> {
    const values = valuesOf(state)
    const migrated = migrate === undefined ? values : await migrate(values, state.schemaVersion)
    if (typeof migrated !== 'object' || migrated === null) {
      throw new CoatcheckError(
        'schema_invalid',
        `migrate answered no object for values of schemaVersion ${state.schemaVersion}; return all values by key`,
      )
    }
    const keys = Object.keys(migrated)
    const texts = new Texts(
      keys,
      keys.map((key) => encodeValue(key, migrated[key], limits)),
    )
    const until = new Map([...state.until].filter(([key]) => texts.has(key)))
    const next: State = { ...state, values: texts, until, schemaVersion }
    await check(next)
    return next
  }
}

function valuesOf(state: State): Values {
  return Object.fromEntries(state.values.keys.map((key, i) => [key, readValue(state.values.lines[i])]))
}

function refuseIssues(result: SchemaResult<unknown>): void {
  if (result.issues === undefined) return
  const where = result.issues.slice(0, 3).map(({ path, message }) => {
    const keys = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
    return `${harmless(keys.join('.'), 80) || 'values'}: ${harmless(message, 100)}`
  })
  throw new CoatcheckError('schema_invalid', `the session does not satisfy its schema (${where.join('; ')})`)
}
