-- Sessions of coatcheck/mysql, schema 1. store.migrate() runs this; by hand: mysql database < 001.sql
CREATE TABLE `coatcheck_session` (
  id         VARBINARY(64) NOT NULL PRIMARY KEY,
  version    VARBINARY(64) NOT NULL,
  user_id    VARBINARY(1536),
  expires_at BIGINT NOT NULL,
  due        BIGINT NOT NULL,
  body       MEDIUMBLOB NOT NULL,
  KEY due (due),
  KEY user_id (user_id)
) ENGINE = InnoDB, ROW_FORMAT = DYNAMIC, COMMENT = 'coatcheck sessions, schema 1';
