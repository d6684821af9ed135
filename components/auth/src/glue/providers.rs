//! The providers that people may choose.

use super::{
    Auth,
    exports::gatewit::auth::providers::{Guest, Provider},
    gatewit::drivers::dispatch,
};
use alloc::vec::Vec;

impl Guest for Auth {
    fn list(sessions_only: bool) -> Vec<Provider> {
        dispatch::providers()
            .into_iter()
            .filter(|provider| provider.session || !sessions_only)
            .map(|provider| Provider {
                name: provider.name,
                driver: provider.driver,
                label: provider.label,
                icon: provider.icon,
            })
            .collect()
    }
}
