//! What operators see and do under `/gatewit`.

use super::operation::{Caller, Operation, object, schema, text};
use serde_json::json;

const TAG: &str = "Operation";

pub(super) fn operations() -> Vec<Operation> {
    let of = |method: &'static str, path: &str, name: &str, summary: &str| {
        Operation::new(method, format!("/gatewit/{path}"), TAG, name, summary)
    };
    let word = object(&[("!status", text())]);
    let health = "application/health+json";
    let count = object(&[("!ended", json!({ "type": "integer" }))]);
    vec![
        of("get", "live", "readLiveness", "Whether the process answers").gives_as("200", "It does.", health, &word),
        of("get", "ready", "readReadiness", "Whether requests should be sent here")
            .gives_as("200", "They should.", health, &word)
            .gives_as("503", "The database does not answer, or the server is about to stop.", health, &word),
        of("get", "status", "readStatus", "What the server is and how it does; for administrators")
            .by(Caller::SignedIn)
            .gives("The status.", &json!({ "type": "object" })),
        of("get", "sessions", "listSessions", "Who is signed in; for administrators")
            .by(Caller::SignedIn)
            .parameter("user", &text(), "Only those of this account.")
            .gives("The sessions.", &json!({ "type": "array", "items": schema("Session") })),
        of("delete", "sessions", "endSessions", "Ends all sessions of an account; for administrators")
            .by(Caller::SignedIn)
            .parameter("user", &text(), "The account.")
            .gives("How many they were.", &count),
        of("delete", "sessions/{id}", "endSession", "Ends a session; for administrators")
            .by(Caller::SignedIn)
            .gives_nothing("Ended: its tokens are refused from now on."),
        of("get", "audit", "listAudit", "What operators did, the newest first; for administrators")
            .by(Caller::SignedIn)
            .parameter("before", &json!({ "type": "integer" }), "Only entries before this number.")
            .parameter("limit", &json!({ "type": "integer" }), "How many; 100 if nothing is said, 1000 at most.")
            .gives("The entries.", &json!({ "type": "array", "items": schema("AuditEntry") })),
        of("get", "audit/verify", "verifyAudit", "Whether the audit log is as it was written; for administrators")
            .by(Caller::SignedIn)
            .gives("The verdict, with the first entry that is not.", &schema("AuditVerdict")),
        of("get", "traces", "listTraces", "Sign-ins that failed, the newest first; for administrators")
            .by(Caller::SignedIn)
            .parameter("before", &json!({ "type": "integer" }), "Only those before this number.")
            .parameter("limit", &json!({ "type": "integer" }), "How many; 50 if nothing is said, 500 at most.")
            .gives("The sign-ins, without their steps.", &json!({ "type": "array", "items": schema("FailedSignIn") })),
        of("get", "traces/{request}", "readTrace", "What happened in a sign-in that failed; for administrators")
            .by(Caller::SignedIn)
            .gives("The sign-in, with its steps.", &schema("FailedSignIn")),
    ]
    .into_iter()
    .chain(front(&of))
    .chain(components(&of))
    .chain(providers(&of))
    .collect()
}

type Make<'a> = &'a dyn Fn(&'static str, &str, &str, &str) -> Operation;

/// For whoever stands in front of applications.
fn front(of: Make<'_>) -> Vec<Operation> {
    let flag = json!({ "type": "boolean" });
    vec![
        of("get", "forward-auth", "forwardAuth", "Whether a request that a proxy holds may go on, and who sends it")
            .by(Caller::Perhaps)
            .parameter("role", &text(), "Only accounts with one of these roles, by id or name.")
            .parameter("admin", &flag, "Only administrators.")
            .parameter("optional", &flag, "Nobody in particular may go on as well, without an identity.")
            .parameter("nginx", &flag, "No redirects: 401, and where to sign in is in the header X-Gatewit-Sign-In.")
            .gives_as("200", "It may; who it is is in the headers.", "text/plain", &text())
            .leads_elsewhere("The browser has to sign in."),
        of("get", "return", "returnToApplication", "Takes a browser back to an application after a sign-in")
            .parameter("to", &text(), "An address at an origin that is listed.")
            .leads_elsewhere("There."),
    ]
}

fn components(of: Make<'_>) -> Vec<Operation> {
    let generation = json!({ "type": "object" });
    let act = |path, name, summary| {
        of("post", path, name, summary).by(Caller::SignedIn).gives("What serves now.", &generation)
    };
    vec![
        of("get", "components", "listComponents", "Which generation of each component serves; for administrators")
            .by(Caller::SignedIn)
            .gives("The components.", &json!({ "type": "array", "items": { "type": "object" } })),
        of("get", "components/{name}", "readComponent", "The generations of a component; for administrators")
            .by(Caller::SignedIn)
            .gives("The component.", &generation),
        of(
            "put",
            "components/{name}",
            "putComponent",
            "Serves a component from now on, or tries it out; for administrators",
        )
        .by(Caller::SignedIn)
        .parameter("mode", &json!({ "enum": ["swap", "canary", "shadow"] }), "How; to serve everybody if not said.")
        .parameter("share", &json!({ "type": "number" }), "Of a canary: its share of the calls.")
        .parameter("promote_after", &json!({ "type": "integer" }), "Of a trial: calls after which it serves everybody.")
        .parameter(
            "max_differences",
            &json!({ "type": "integer" }),
            "Of such a rule: answers that may differ; 0 if not said.",
        )
        .parameter(
            "max_failures",
            &json!({ "type": "number" }),
            "Of such a rule: the share of calls that may fail; 0 if not said.",
        )
        .parameter("accept_grants", &json!({ "type": "boolean" }), "It may use what the one before could not.")
        .parameter("dry_run", &json!({ "type": "boolean" }), "Only see whether it would be taken.")
        .takes_file("application/wasm", json!({ "type": "string", "format": "binary" }))
        .takes(object(&[("!source", text())]))
        .gives("The new generation, and how its grants differ.", &generation),
        of("delete", "components/{name}", "withdrawComponent", "Goes back to what is built in; for administrators")
            .by(Caller::SignedIn)
            .gives_nothing("What was sent is gone."),
        act(
            "components/{name}/rollback",
            "rollBackComponent",
            "Serves the generation before again; for administrators",
        ),
        act(
            "components/{name}/promote",
            "promoteComponent",
            "Serves everybody with the one on trial; for administrators",
        ),
        of("post", "components/{name}/end-trial", "endTrial", "Ends a trial; for administrators")
            .by(Caller::SignedIn)
            .gives_nothing("Nobody is served by it any more."),
    ]
}

fn providers(of: Make<'_>) -> Vec<Operation> {
    let provider = json!({ "type": "object" });
    let flag = json!({ "type": "boolean" });
    let changes = [
        ("driver", text()),
        ("label", text()),
        ("icon", text()),
        ("enabled", flag.clone()),
        ("settings", provider.clone()),
    ];
    let change = object(&changes);
    let [driver, label, icon, enabled, settings] = changes;
    let create = object(&[("!name", text()), ("!driver", driver.1), label, icon, enabled, settings]);
    let tried =
        object(&[("!works", flag), ("found", json!({ "type": "array", "items": text() })), ("problem", text())]);
    vec![
        of("get", "drivers", "listDrivers", "What the drivers say of their settings; for administrators")
            .by(Caller::SignedIn)
            .gives("The drivers.", &json!({ "type": "array", "items": { "type": "object" } })),
        of("get", "providers", "listAllProviders", "All providers; for administrators")
            .by(Caller::SignedIn)
            .gives("The providers.", &json!({ "type": "array", "items": provider })),
        of("post", "providers", "createProvider", "Makes a provider; for administrators")
            .by(Caller::SignedIn)
            .takes(create)
            .gives("The provider.", &provider),
        of("get", "providers/{name}", "readProvider", "A provider; for administrators")
            .by(Caller::SignedIn)
            .gives("The provider.", &provider),
        of("patch", "providers/{name}", "updateProvider", "Changes a provider; for administrators")
            .by(Caller::SignedIn)
            .takes(change)
            .gives("The provider.", &provider),
        of("delete", "providers/{name}", "deleteProvider", "Removes a provider; for administrators")
            .by(Caller::SignedIn)
            .gives_nothing("Removed."),
        of(
            "post",
            "providers/{name}/test",
            "testProvider",
            "Whether the settings of a provider work; for administrators",
        )
        .by(Caller::SignedIn)
        .gives("What was found.", &tried),
    ]
}
