//! What somebody sends to sign in, as the rules take it: the fields that the provider's driver asks for, checked.

use super::{
    refusal::Refusal,
    validate::{self, Field, Kind},
};
use crate::{
    bindings::{
        auth::exports::gatewit::auth::sessions::{Attempt, Form},
        driver::exports::gatewit::driver::about::Format,
    },
    capability::drivers::Served,
};
use serde_json::Value;

/// Reads an attempt at a provider that takes credentials.
///
/// # Errors
/// The first field that is missing or malformed.
pub(crate) fn read(served: &Served, provider: &str, body: &Value, form: Form) -> Result<Attempt, Refusal> {
    validate::check(body, &fields(served)).map_err(Refusal::payload)?;
    let text = |name| validate::text(body, name).map(ToOwned::to_owned);
    let names_account = served.fields.iter().find(|field| field.identifies);
    Ok(Attempt {
        provider: provider.to_owned(),
        account: names_account.and_then(|field| text(&field.name)),
        values: served.fields.iter().filter_map(|field| text(&field.name)).collect(),
        otp: text("otp"),
        form,
    })
}

/// What the driver asks for, then what every sign-in may say.
fn fields(served: &Served) -> Vec<Field<'_>> {
    let own = served.fields.iter().map(|field| {
        let kind = match field.format {
            Format::Email => Kind::Email,
            Format::Text | Format::Password => Kind::Text,
        };
        Field::required(&field.name, kind)
    });
    own.chain(validate::SIGN_IN).collect()
}
