//! The guests under `tests/components/`, one constant each. One that no test uses is dead code, which is denied; one that
//! is missing here fails `faults::every_guest_is_listed`.

macro_rules! guests {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(pub(crate) const $constant: &str = $name;)+
        /// All of them, sorted.
        pub(crate) const NAMES: &[&str] = &[$($name),+];
    };
}

guests! {
    CONFUSED = "confused",
    CONFUSED_RULES = "confused-rules",
    FALLEN_RULES = "fallen-rules",
    FETCHER = "fetcher",
    MISNAMED = "misnamed",
    MOODY = "moody",
    ROGUE = "rogue",
    SLOPPY = "sloppy",
    TRESPASSER = "trespasser",
}
