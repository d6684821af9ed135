-- What operators put in while the server runs: components and providers. The revision counts up with each change.

CREATE TABLE gatewit_components (
    name varchar(64) NOT NULL,
    place varchar(16) NOT NULL,
    digest varchar(64) NOT NULL,
    share bigint,
    signature text,
    made bigint NOT NULL,
    code text NOT NULL,
    PRIMARY KEY (name, place)
);
CREATE TABLE gatewit_providers (
    number integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    name varchar(128) NOT NULL UNIQUE,
    driver varchar(64) NOT NULL,
    enabled bigint NOT NULL,
    settings text NOT NULL,
    sealed text NOT NULL,
    changed bigint NOT NULL
);
CREATE TABLE gatewit_revision (
    id bigint NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO gatewit_revision (id, value) VALUES (1, 0);
