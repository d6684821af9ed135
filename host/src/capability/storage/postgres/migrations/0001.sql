-- Directus's tables with the types that it gives them, as far as authentication touches them. Columns stand in the order
-- in which they are shown.

CREATE TABLE directus_roles (
    id uuid NOT NULL PRIMARY KEY,
    name varchar(100) NOT NULL,
    icon varchar(64) NOT NULL DEFAULT 'supervised_user_circle',
    description text,
    parent uuid REFERENCES directus_roles (id)
);

CREATE TABLE directus_users (
    id uuid NOT NULL PRIMARY KEY,
    first_name varchar(50),
    last_name varchar(50),
    email varchar(128) UNIQUE,
    password varchar(255),
    location varchar(255),
    title varchar(50),
    description text,
    tags json,
    avatar uuid,
    language varchar(255),
    tfa_secret varchar(255),
    status varchar(16) NOT NULL DEFAULT 'active',
    role uuid REFERENCES directus_roles (id) ON DELETE SET NULL,
    token varchar(255) UNIQUE,
    last_access timestamptz,
    last_page varchar(255),
    provider varchar(128) NOT NULL DEFAULT 'default',
    external_identifier varchar(255) UNIQUE,
    auth_data json,
    email_notifications boolean DEFAULT true,
    appearance varchar(255),
    theme_dark varchar(255),
    theme_light varchar(255),
    theme_light_overrides json,
    theme_dark_overrides json,
    text_direction varchar(255) NOT NULL DEFAULT 'auto'
);
-- Addresses and identifiers are compared without regard to case.
CREATE UNIQUE INDEX gatewit_users_email ON directus_users (lower(email));
CREATE INDEX gatewit_users_external_identifier ON directus_users (lower(external_identifier));
CREATE INDEX gatewit_users_role ON directus_users (role);

CREATE TABLE directus_policies (
    id uuid NOT NULL PRIMARY KEY,
    name varchar(100) NOT NULL,
    icon varchar(64) NOT NULL DEFAULT 'badge',
    description text,
    ip_access text,
    enforce_tfa boolean NOT NULL DEFAULT false,
    admin_access boolean NOT NULL DEFAULT false,
    app_access boolean NOT NULL DEFAULT false
);

CREATE TABLE directus_access (
    id uuid NOT NULL PRIMARY KEY,
    role uuid REFERENCES directus_roles (id) ON DELETE CASCADE,
    "user" uuid REFERENCES directus_users (id) ON DELETE CASCADE,
    policy uuid NOT NULL REFERENCES directus_policies (id) ON DELETE CASCADE,
    sort integer
);
CREATE INDEX gatewit_access_role ON directus_access (role);
CREATE INDEX gatewit_access_user ON directus_access ("user");

CREATE TABLE directus_permissions (
    id serial PRIMARY KEY,
    collection varchar(64) NOT NULL,
    action varchar(10) NOT NULL,
    permissions json,
    validation json,
    presets json,
    fields text,
    policy uuid NOT NULL REFERENCES directus_policies (id) ON DELETE CASCADE
);
CREATE INDEX gatewit_permissions_policy ON directus_permissions (policy);

CREATE TABLE directus_shares (
    id uuid NOT NULL PRIMARY KEY,
    name varchar(255),
    collection varchar(64) NOT NULL,
    item varchar(255) NOT NULL,
    role uuid REFERENCES directus_roles (id) ON DELETE CASCADE,
    password varchar(255),
    user_created uuid REFERENCES directus_users (id) ON DELETE SET NULL,
    date_created timestamptz,
    date_start timestamptz,
    date_end timestamptz,
    times_used integer DEFAULT 0,
    max_uses integer
);

-- Tokens are compared byte by byte: those of a family lie side by side.
CREATE TABLE directus_sessions (
    token varchar(64) COLLATE "C" NOT NULL PRIMARY KEY,
    "user" uuid REFERENCES directus_users (id) ON DELETE CASCADE,
    expires timestamptz NOT NULL,
    ip varchar(255),
    user_agent text,
    share uuid REFERENCES directus_shares (id) ON DELETE CASCADE,
    origin varchar(255),
    next_token varchar(64)
);
CREATE INDEX gatewit_sessions_user ON directus_sessions ("user", expires);
CREATE INDEX gatewit_sessions_expires ON directus_sessions (expires);

CREATE TABLE directus_activity (
    id serial PRIMARY KEY,
    action varchar(45) NOT NULL,
    "user" uuid,
    timestamp timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    ip varchar(50),
    user_agent text,
    collection varchar(64) NOT NULL,
    item varchar(255) NOT NULL,
    origin varchar(255)
);
CREATE INDEX gatewit_activity_timestamp ON directus_activity (timestamp);

CREATE TABLE directus_revisions (
    id serial PRIMARY KEY,
    activity integer NOT NULL REFERENCES directus_activity (id) ON DELETE CASCADE,
    collection varchar(64) NOT NULL,
    item varchar(255) NOT NULL,
    data json,
    delta json,
    parent integer REFERENCES directus_revisions (id),
    version uuid
);

CREATE TABLE directus_settings (
    id serial PRIMARY KEY,
    project_name varchar(100) NOT NULL DEFAULT 'Directus',
    project_url varchar(255),
    project_descriptor varchar(100),
    project_logo uuid,
    project_color varchar(255) NOT NULL DEFAULT '#6644FF',
    default_appearance varchar(255) NOT NULL DEFAULT 'auto',
    default_theme_light varchar(255),
    default_theme_dark varchar(255),
    theme_light_overrides json,
    theme_dark_overrides json,
    default_language varchar(255) NOT NULL DEFAULT 'en-US',
    public_foreground uuid,
    public_background uuid,
    public_favicon uuid,
    public_note text,
    custom_css text,
    public_registration boolean NOT NULL DEFAULT false,
    public_registration_verify_email boolean NOT NULL DEFAULT true,
    public_registration_role uuid REFERENCES directus_roles (id) ON DELETE SET NULL,
    public_registration_email_filter json,
    auth_login_attempts integer DEFAULT 25,
    auth_password_policy varchar(100)
);
INSERT INTO directus_settings DEFAULT VALUES;
