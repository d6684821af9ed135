//! What operators put into the database: components and providers, for all hosts.

/// The place of a stored component under its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// Serves.
    Current,
    /// Served before.
    Previous,
    /// Is tried out: with a share of the calls from 0 to 1, or watching.
    Trial(Option<f64>),
}

/// A stored component without its code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredComponent {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// SHA-256 of the code, in hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) signature: Option<String>,
    /// The name that it was fetched by, where it came from a registry.
    pub(crate) reference: Option<String>,
    /// What has to happen so that it serves everybody, where it is tried out; as JSON.
    pub(crate) rule: Option<String>,
}

/// A component with its code.
#[derive(Debug, Clone)]
pub(crate) struct NewComponent {
    pub(crate) component: StoredComponent,
    pub(crate) code: Vec<u8>,
}

/// What is done with the stored components of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// The one before serves again, or none.
    RollBack,
    /// The one that is tried out serves.
    Promote,
    /// The one that is tried out is gone.
    EndTrial,
    /// All are gone.
    Withdraw,
}

/// A stored provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredProvider {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) enabled: bool,
    /// Everything else that is set, as a JSON object.
    pub(crate) settings: String,
    /// The secrets among that, sealed.
    pub(crate) sealed: String,
    pub(crate) changed_ms: u64,
}
