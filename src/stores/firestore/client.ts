/** What this store uses of `Firestore` from `@google-cloud/firestore` (or `getFirestore()` of firebase-admin, which is the same). */

export interface FirestoreLike {
  collection(name: string): FirestoreCollection
  /** Documents; the client takes options here, too. */
  getAll(...documents: object[]): Promise<FirestoreSnapshot[]>
  bulkWriter(options: { throttling: boolean }): FirestoreBulkWriter
}

export interface FirestoreCollection extends FirestoreQuery {
  doc(id: string): FirestoreDocument
}

interface FirestoreQuery {
  where(field: string, operator: '==' | '<', value: unknown): FirestoreQuery
  orderBy(field: string): FirestoreQuery
  startAfter(value: unknown): FirestoreQuery
  limit(count: number): FirestoreQuery
  select(...fields: string[]): FirestoreQuery
  get(): Promise<{ readonly docs: readonly FirestoreSnapshot[] }>
}

export interface FirestoreDocument {
  create(data: object): Promise<FirestoreWritten>
  update(data: object, precondition?: FirestorePrecondition): Promise<FirestoreWritten>
  delete(): Promise<unknown>
}

export interface FirestoreSnapshot {
  readonly id: string
  readonly exists: boolean
  readonly ref: FirestoreDocument
  readonly updateTime?: FirestoreTime
  get(field: string): unknown
}

export interface FirestoreWritten {
  readonly writeTime: FirestoreTime
}

interface FirestorePrecondition {
  readonly lastUpdateTime?: FirestoreTime
}

/** A `Timestamp` of the client; a precondition takes nothing else. */
export interface FirestoreTime {
  toMillis(): number
}

interface FirestoreBulkWriter {
  delete(document: FirestoreDocument, precondition?: FirestorePrecondition): Promise<unknown>
  close(): Promise<void>
}
