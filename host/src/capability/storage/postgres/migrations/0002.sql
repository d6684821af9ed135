-- Counts with an end (attempts, codes that were used), which Directus keeps in memory.

CREATE TABLE gatewit_counters (
    "key" varchar(255) NOT NULL PRIMARY KEY,
    value integer NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX gatewit_counters_expires ON gatewit_counters (expires);
