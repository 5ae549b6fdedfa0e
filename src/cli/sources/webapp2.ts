import { fromWebapp2, webapp2Datastore, type SessionDatastore } from '../../migrate/webapp2.ts'
import { exported, load } from '../../stores/url/load.ts'
import type { Address } from '../address.ts'
import { usage } from '../io.ts'
import type { Opened } from './clients.ts'
import { common, reading, type Source } from './source.ts'

export const webapp2Sources = {
  'webapp2-datastore': {
    holds: "webapp2 with its datastore backend: App Engine's NDB entities of kind Session",
    needs: ['from-url'],
    takes: ['from-cookie'],
    example: 'datastore://project',
    open: (settings) =>
      // No cookie is read, so that any key will do.
      reading(settings, openDatastore, (datastore) =>
        fromWebapp2({ secretKey: 'unused', backend: webapp2Datastore({ datastore }), ...common(settings) }),
      ),
  },
} as const satisfies Record<string, Source>

/** `datastore://project`, or `datastore://host:port/project` for an emulator. */
async function openDatastore({ url }: Address): Promise<Opened<SessionDatastore>> {
  const [, first, second] = /^datastore:\/\/([^/]+)\/?([^/]*)$/.exec(url) ?? []
  if (first === undefined) throw usage('--from-url is no address of a Datastore; write --from-url datastore://project')
  const Datastore = exported<new (options: object) => SessionDatastore>(await load('@google-cloud/datastore'), 'Datastore')
  const client = second
    ? // Or it asks the metadata server of a cloud that an emulator is not.
      new Datastore({ projectId: second, apiEndpoint: `http://${first}`, clientOptions: { universeDomain: 'googleapis.com' } })
    : new Datastore({ projectId: first })
  return { client, close: async () => {} }
}
