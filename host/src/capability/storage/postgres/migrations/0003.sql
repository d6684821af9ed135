-- Identities besides the one that an account was made for, and where sessions go back to.

CREATE TABLE gatewit_identities (
    id uuid NOT NULL PRIMARY KEY,
    "user" uuid NOT NULL REFERENCES directus_users (id) ON DELETE CASCADE,
    provider varchar(128) NOT NULL,
    identifier varchar(255) NOT NULL,
    email varchar(255),
    auth_data text,
    linked bigint NOT NULL
);
CREATE UNIQUE INDEX gatewit_identities_identifier ON gatewit_identities (provider, lower(identifier));
CREATE INDEX gatewit_identities_user ON gatewit_identities ("user");

CREATE TABLE gatewit_session_sources (
    family varchar(64) NOT NULL PRIMARY KEY,
    "user" uuid NOT NULL REFERENCES directus_users (id) ON DELETE CASCADE,
    provider varchar(128) NOT NULL,
    identifier varchar(255) NOT NULL,
    session varchar(255),
    parting_data text
);
CREATE INDEX gatewit_session_sources_identifier ON gatewit_session_sources (provider, lower(identifier));
CREATE INDEX gatewit_session_sources_session ON gatewit_session_sources (provider, session);
CREATE INDEX gatewit_session_sources_user ON gatewit_session_sources ("user");
