-- Where a component was fetched from, and what has to happen so that one that is tried out serves everybody.

ALTER TABLE gatewit_components ADD COLUMN reference text;
ALTER TABLE gatewit_components ADD COLUMN rule text;
