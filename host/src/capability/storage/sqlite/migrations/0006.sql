-- What operators did, in a chain, with its last link; and keys that outlive SECRET, sealed under it.

CREATE TABLE gatewit_audit (
    number integer NOT NULL PRIMARY KEY,
    at bigint NOT NULL,
    who varchar(255) NOT NULL,
    what varchar(255) NOT NULL,
    object varchar(255) NOT NULL,
    outcome varchar(255) NOT NULL,
    request varchar(255),
    address varchar(255),
    hash varchar(64) NOT NULL
);
CREATE TABLE gatewit_audit_head (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    number bigint NOT NULL,
    hash varchar(64) NOT NULL,
    seal varchar(64) NOT NULL
);
INSERT INTO gatewit_audit_head (id, number, hash, seal)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', '');
CREATE TABLE gatewit_keys (
    name varchar(64) NOT NULL PRIMARY KEY,
    sealed text NOT NULL
);
