-- Sessions of coatcheck/postgres, schema 1. store.migrate() runs this; by hand: psql --single-transaction --file 001.sql
CREATE TABLE "coatcheck_session" (
  id         text COLLATE "C" PRIMARY KEY,
  version    text COLLATE "C" NOT NULL,
  user_id    text COLLATE "C",
  expires_at bigint NOT NULL,
  due        bigint NOT NULL,
  body       text NOT NULL
) WITH (fillfactor = 75);
CREATE INDEX "coatcheck_session_due" ON "coatcheck_session" (due);
CREATE INDEX "coatcheck_session_user" ON "coatcheck_session" (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE "coatcheck_session" IS 'coatcheck sessions, schema 1';
