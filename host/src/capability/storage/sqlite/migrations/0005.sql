-- What happened in sign-ins that failed.

CREATE TABLE gatewit_traces (
    number integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id varchar(64) NOT NULL,
    failed bigint NOT NULL,
    trace text NOT NULL
);
CREATE INDEX gatewit_traces_id ON gatewit_traces (id);
CREATE INDEX gatewit_traces_failed ON gatewit_traces (failed);
