-- Where the project lives, which mails show.

ALTER TABLE directus_settings ADD COLUMN project_url varchar(255);
