//! Sessions, accounts, and what people do with their own.
//!
//! Deliberately absent: the records of accounts ([`super::records`]).

use super::operation::{Caller, Operation, object, schema, text};
use serde_json::{Value, json};

const SESSIONS: &str = "Sessions";
const ACCOUNTS: &str = "Accounts";
const OWN: &str = "Own account";

fn mode() -> Value {
    schema("Mode")
}

fn email() -> Value {
    json!({ "type": "string", "format": "email" })
}

fn url() -> Value {
    json!({ "type": "string", "format": "uri" })
}

fn held() -> Value {
    object(&[("refresh_token", text()), ("mode", mode())])
}

fn provider(rest: &str) -> String {
    format!("/auth/login/{{provider}}{rest}")
}

pub(super) fn single_sign_on() -> Vec<Operation> {
    vec![
        Operation::new("get", provider(""), SESSIONS, "beginSingleSignOn", "Sends the browser to a provider")
            .parameter("redirect", &text(), "Where the browser goes in the end.")
            .parameter("prompt", &text(), "The provider shall ask the person, even if it knows them.")
            .parameter("otp", &text(), "A code of the second factor, or a recovery code.")
            .leads_elsewhere("To the provider."),
        Operation::new("get", provider("/callback"), SESSIONS, "finishSingleSignOn", "Takes the browser back")
            .leads_elsewhere("To where the sign-in was to lead; on failure with a `reason` in the query."),
        Operation::new("post", provider("/callback"), SESSIONS, "finishSingleSignOnByForm", "Takes the browser back")
            .leads_elsewhere("To the same place, by GET."),
        Operation::new(
            "post",
            provider("/acs"),
            SESSIONS,
            "finishSingleSignOnBySaml",
            "Takes the browser back from SAML",
        )
        .leads_elsewhere("To where the sign-in was to lead; on failure with a `reason` in the query."),
        Operation::new("get", provider("/metadata"), SESSIONS, "describeUs", "What a provider is given to know us by")
            .gives_as("200", "The description.", "text/xml", &text()),
        Operation::new("get", provider("/logout"), SESSIONS, "endByMessage", "Ends sessions, for providers of SAML")
            .parameter("SAMLRequest", &text(), "The provider's message.")
            .leads_elsewhere("Back to the provider, with our answer."),
        Operation::new(
            "post",
            provider("/logout"),
            SESSIONS,
            "logoutWithProvider",
            "Signs out here and at the provider",
        )
        .leads_elsewhere("To the provider if it is to be told, or to the `redirect` of the form."),
        Operation::new(
            "post",
            provider("/backchannel-logout"),
            SESSIONS,
            "endByProvider",
            "Ends sessions, for providers",
        )
        .gives_as("200", "The sessions have ended.", "text/plain", &text()),
    ]
}

pub(super) fn sessions() -> Vec<Operation> {
    let providers = object(&[
        ("!data", json!({ "type": "array", "items": schema("Provider") })),
        ("!disableDefault", json!({ "type": "boolean" })),
    ]);
    let sign_in = object(&[
        ("!email", email()),
        ("!password", text()),
        ("mode", mode()),
        ("otp", json!({ "type": "string", "description": "A code of the second factor, or a recovery code." })),
    ]);
    let by_provider = json!({
        "type": "object",
        "description": "The fields that the provider's driver asks for, besides `mode` and `otp`.",
        "properties": { "mode": mode(), "otp": text() },
        "additionalProperties": { "type": "string" },
    });
    let share = object(&[("!share", text()), ("password", text()), ("mode", mode())]);
    let tokens = schema("Tokens");
    vec![
        Operation::new("get", "/auth", SESSIONS, "listProviders", "The providers that people can sign in with")
            .parameter("sessionOnly", &json!({ "type": "boolean" }), "Only those that end in a session.")
            .gives_as("200", "The providers.", "application/json", &providers),
        Operation::new("post", "/auth/login", SESSIONS, "login", "Signs in with an address and a password")
            .takes(sign_in)
            .gives("Signed in. What the mode keeps in a cookie is not in the body.", &tokens),
        Operation::new("post", "/auth/login/{provider}", SESSIONS, "loginWithProvider", "Signs in by a provider")
            .takes(by_provider)
            .gives("Signed in. What the mode keeps in a cookie is not in the body.", &tokens),
        Operation::new(
            "post",
            "/auth/refresh",
            SESSIONS,
            "refresh",
            "Exchanges what the client holds for its successor",
        )
        .takes(held())
        .gives("The successor.", &tokens),
        Operation::new("post", "/auth/logout", SESSIONS, "logout", "Ends a session")
            .takes(held())
            .gives_nothing("Signed out, and the cookies are empty."),
        Operation::new("post", "/shares/auth", SESSIONS, "loginToShare", "Signs in to a share")
            .takes(share)
            .gives("Signed in.", &tokens),
        Operation::new("get", "/shares/info/{id}", SESSIONS, "readShareInfo", "What anybody may know of a share")
            .gives("The share.", &schema("ShareInfo")),
    ]
}

pub(super) fn accounts() -> Vec<Operation> {
    let request = object(&[("!email", email()), ("reset_url", url())]);
    let reset = object(&[("!token", text()), ("!password", text())]);
    let applicant = object(&[
        ("!email", email()),
        ("!password", text()),
        ("verification_url", url()),
        ("first_name", text()),
        ("last_name", text()),
    ]);
    let several = json!({ "oneOf": [email(), { "type": "array", "items": email() }] });
    let invitation =
        object(&[("!email", several), ("!role", json!({ "type": "string", "format": "uuid" })), ("invite_url", url())]);
    vec![
        Operation::new("post", "/auth/password/request", ACCOUNTS, "requestPasswordReset", "Asks for a new password")
            .takes(request)
            .gives_nothing("If there is such an account, a link is on its way."),
        Operation::new(
            "post",
            "/auth/password/reset",
            ACCOUNTS,
            "resetPassword",
            "Sets a new password with a link's token",
        )
        .takes(reset.clone())
        .gives_nothing("Set, and every session of the account has ended."),
        Operation::new("post", "/users/register", ACCOUNTS, "register", "Makes an account for oneself")
            .takes(applicant)
            .gives_nothing("Made, or it was there: that is not told."),
        Operation::new("get", "/users/register/verify-email", ACCOUNTS, "verifyEmail", "Verifies an address")
            .parameter("token", &text(), "The token of the link.")
            .leads_elsewhere("Verified."),
        Operation::new("post", "/users/invite", ACCOUNTS, "invite", "Invites people")
            .by(Caller::Perhaps)
            .takes(invitation)
            .gives_nothing("Invited; nothing happens for callers who may not."),
        Operation::new("post", "/users/invite/accept", ACCOUNTS, "acceptInvitation", "Accepts an invitation")
            .takes(reset)
            .gives_nothing("Accepted."),
    ]
}

pub(super) fn own() -> Vec<Operation> {
    let fields = |operation: Operation| {
        operation.parameter("fields", &text(), "Names or paths with commas between, such as `id,role.name`.")
    };
    let factor = |what: &str, name: &str, summary: &str| {
        Operation::new("post", format!("/users/me/tfa/{what}"), OWN, name, summary).by(Caller::SignedIn)
    };
    let otp = || object(&[("!otp", text())]);
    let codes = object(&[("!codes", json!({ "type": "array", "items": text() }))]);
    let of = |path: &str, name: &str, summary: &str| Operation::new("get", path, OWN, name, summary);
    vec![
        fields(of("/users/me", "readMe", "One's own account").by(Caller::SignedIn))
            .gives("The account.", &schema("User")),
        fields(Operation::new("patch", "/users/me", OWN, "updateMe", "Changes one's own account").by(Caller::SignedIn))
            .takes(schema("User"))
            .gives("The account.", &schema("User"))
            .gives_nothing("Changed, but not to be read."),
        Operation::new("patch", "/users/me/track/page", OWN, "trackPage", "Remembers where one was last in the app")
            .by(Caller::SignedIn)
            .takes(object(&[("!last_page", text())]))
            .gives_nothing("Remembered."),
        factor("generate", "generateTfa", "Makes up a secret for a second factor; nothing is kept")
            .takes(object(&[("password", text())]))
            .gives("The secret.", &object(&[("!secret", text()), ("!otpauth_url", url())])),
        factor("qr-code", "drawTfa", "Draws the address of a secret as a QR code")
            .takes(object(&[("!otpauth_url", url())]))
            .gives_as("200", "The picture.", "image/svg+xml", &text()),
        factor("enable", "enableTfa", "Signs in with a second factor from now on")
            .takes(object(&[("!secret", text()), ("!otp", text())]))
            .gives_nothing("Enabled."),
        factor("disable", "disableTfa", "Signs in without a second factor again")
            .takes(otp())
            .gives_nothing("Disabled."),
        factor("recovery-codes", "makeRecoveryCodes", "Makes new recovery codes and voids the old ones")
            .takes(otp())
            .gives("The codes, which are not shown again.", &codes),
        Operation::new("post", "/users/{id}/tfa/disable", OWN, "removeTfa", "Takes the second factor off an account")
            .by(Caller::SignedIn)
            .gives_nothing("Taken off. For administrators."),
        of("/users/me/identities", "listIdentities", "Who at which provider signs in to one's account")
            .by(Caller::SignedIn)
            .gives("The identities.", &json!({ "type": "array", "items": schema("Identity") })),
        Operation::new(
            "post",
            "/users/me/identities/{id}",
            OWN,
            "linkIdentity",
            "Begins to link an identity; `id` is a provider",
        )
        .by(Caller::SignedIn)
        .takes(object(&[("redirect", text())]))
        .gives("Where the browser goes for it.", &object(&[("!url", url())])),
        Operation::new("delete", "/users/me/identities/{id}", OWN, "unlinkIdentity", "Takes a linked identity away")
            .by(Caller::SignedIn)
            .gives_nothing("Taken away, and its sessions have ended."),
        of("/policies/me/globals", "readOwnGlobals", "What the caller's policies allow altogether")
            .by(Caller::Perhaps)
            .gives("The rights.", &schema("Globals")),
        of("/roles/me", "readOwnRoles", "The caller's role and those above it")
            .by(Caller::Perhaps)
            .gives("The roles.", &json!({ "type": "array", "items": schema("Role") })),
        of("/permissions/me", "readOwnPermissions", "What the caller may do with which collection")
            .by(Caller::Perhaps)
            .gives("The rights, by collection and action.", &schema("OwnPermissions")),
    ]
}

pub(super) fn own_sessions() -> Vec<Operation> {
    let of = |path: &str, name: &str, summary: &str| Operation::new("get", path, OWN, name, summary);
    vec![
        of("/users/me/sessions", "listOwnSessions", "Where one is signed in")
            .by(Caller::SignedIn)
            .gives("The sessions; their ids are no tokens.", &json!({ "type": "array", "items": schema("Session") })),
        Operation::new("delete", "/users/me/sessions", OWN, "endOtherSessions", "Signs out everywhere else")
            .by(Caller::SignedIn)
            .gives("How many sessions that were.", &object(&[("!ended", json!({ "type": "integer" }))])),
        Operation::new("delete", "/users/me/sessions/{id}", OWN, "endOwnSession", "Ends one of one's own sessions")
            .by(Caller::SignedIn)
            .gives_nothing("Ended: its tokens are refused from now on."),
    ]
}
