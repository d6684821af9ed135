//! How much of a directory's answers is looked at.

/// Bytes of one message. An entry without pictures has a few thousand; one whose person is in thousands of groups some
/// hundred thousand.
pub const MESSAGE_BYTES: usize = 1 << 20;

/// Entries of one search for groups, over all pages. Who is in more groups than this is in none that matters here.
pub const ENTRIES: usize = 5_000;

/// Entries that are asked for at once (RFC 2696). Active Directory gives 1,000 at most.
pub const PAGE: u32 = 500;

/// Pages of one search: a server that sends empty ones without end is stopped.
pub const PAGES: usize = 64;

/// Servers that one sign-in is sent on to. Two are a forest with a trust; four are a circle.
pub const REFERRALS: usize = 4;

/// References in the answers to one search. Active Directory sends three or four.
pub const REFERENCES: usize = 100;

/// Addresses of one reference: they are alternatives.
pub const ALTERNATIVES: usize = 8;

/// How far up groups in groups are followed one by one. Deeper ones exist by accident only.
pub const DEPTH: usize = 16;

/// Groups that are asked about in one search.
pub const BATCH: usize = 50;

/// Seconds that a server may search. The connection has a deadline of its own.
pub const SEARCH_SECONDS: u32 = 10;

/// Bytes of what people type to say who they are. An address has 254.
pub const IDENTIFIER_BYTES: usize = 1 << 10;

/// Bytes of a password. Servers close the connection at some hundred thousand.
pub const PASSWORD_BYTES: usize = 4 << 10;

/// Bytes of a name (RFC 4514) that is read: servers write such of a few hundred.
pub const NAME_BYTES: usize = 8 << 10;

/// Bytes of an address (RFC 4516) that is read.
pub const ADDRESS_BYTES: usize = 8 << 10;
