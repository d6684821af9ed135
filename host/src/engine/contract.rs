//! Which contracts a driver fulfils.
//!
//! Invariant: a driver takes credentials or sends browsers away, or both; every function that it exports under a name of
//! ours is compared with ours before it serves anybody.

use super::Call;
use crate::bindings::driver::exports::gatewit::driver::{
    about, check, credentials, logout, metadata, redirect, refresh,
};
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

/// Where the functions of each interface lie in the component, of those that it has.
pub(super) struct Contracts {
    pub(super) about: about::GuestIndices,
    pub(super) credentials: Option<credentials::GuestIndices>,
    pub(super) redirect: Option<redirect::GuestIndices>,
    pub(super) refresh: Option<refresh::GuestIndices>,
    pub(super) logout: Option<logout::GuestIndices>,
    pub(super) metadata: Option<metadata::GuestIndices>,
    pub(super) check: Option<check::GuestIndices>,
}

impl Contracts {
    pub(super) fn new(component: &InstancePre<Call>) -> wasmtime::Result<Self> {
        let is_there = |interface: &str| {
            let name = format!("gatewit:driver/{interface}@0.1.0");
            component.component().get_export_index(None, &name).is_some()
        };
        macro_rules! find {
            ($interface:ident) => {
                is_there(stringify!($interface)).then(|| $interface::GuestIndices::new(component)).transpose()?
            };
        }
        let contracts = Self {
            about: about::GuestIndices::new(component)?,
            credentials: find!(credentials),
            redirect: find!(redirect),
            refresh: find!(refresh),
            logout: find!(logout),
            metadata: find!(metadata),
            check: find!(check),
        };
        wasmtime::ensure!(
            contracts.credentials.is_some() || contracts.redirect.is_some(),
            "it exports neither `gatewit:driver/credentials@0.1.0` nor `gatewit:driver/redirect@0.1.0`"
        );
        Ok(contracts)
    }

    /// The names of those that are there.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let of = |is_there: bool, name: &'static str| is_there.then_some(name);
        let all = [
            of(self.credentials.is_some(), "credentials"),
            of(self.redirect.is_some(), "redirect"),
            of(self.refresh.is_some(), "refresh"),
            of(self.logout.is_some(), "logout"),
            of(self.metadata.is_some(), "metadata"),
            of(self.check.is_some(), "check"),
        ];
        all.into_iter().flatten().collect()
    }

    /// Compares every function that is there with the contract.
    pub(super) fn check(&self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<()> {
        macro_rules! compare {
            ($($interface:ident)*) => {
                $(if let Some(interface) = &self.$interface {
                    interface.load(&mut *store, instance)?;
                })*
            };
        }
        compare!(credentials redirect refresh logout metadata check);
        Ok(())
    }
}
