//! What the provider answers at each of its addresses.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{Response, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CLIENT_ID, CLIENT_SECRET, Grant, SESSION, Seen, State, Token, fault, form, now};

type Shared = Arc<Mutex<State>>;
type Answer = Response<Body>;

/// An error of the token endpoint: status and code.
type Refused = (u16, &'static str);

pub(super) fn router(state: Shared) -> Router {
    Router::new().fallback(serve).with_state(state)
}

async fn serve(Extract(state): Extract<Shared>, request: Request) -> Answer {
    let endpoint = match request.uri().path() {
        "/.well-known/openid-configuration" | "/common/v2.0/.well-known/openid-configuration" => "discovery",
        "/jwks" => "keys",
        "/authorize" => "authorize",
        "/token" => "token",
        "/me" => "userinfo",
        "/end" => "end_session",
        _ => return fault::answer(StatusCode::NOT_FOUND, "text/plain", "not here"),
    };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let text = if body.is_empty() { parts.uri.query().unwrap_or_default().as_bytes() } else { &body };
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let seen = Seen {
        endpoint,
        authorization: authorization.map(ToOwned::to_owned),
        parameters: form::parse(&String::from_utf8_lossy(text)),
    };
    let fault = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        state.script.faults.get(endpoint).cloned()
    };
    match fault {
        Some(fault) => fault.answer().await,
        None => state.lock().unwrap().answer(&seen),
    }
}

fn json_answer(status: u16, value: &Value) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    fault::answer(status, "application/json", &value.to_string())
}

fn redirect(url: &str) -> Answer {
    let mut answer = fault::answer(StatusCode::FOUND, "text/plain", "");
    answer.headers_mut().insert(header::LOCATION, url.parse().unwrap());
    answer
}

fn edited(mut value: Value, edit: &mut super::Edit<Value>) -> Value {
    if let Some(edit) = edit {
        edit(&mut value);
    }
    value
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Answer {
        match seen.endpoint {
            "discovery" => json_answer(200, &self.discovery()),
            "keys" => json_answer(200, &self.key_set()),
            "authorize" => redirect(&self.authorize(seen)),
            "token" => match self.tokens(seen) {
                Ok(tokens) => json_answer(200, &tokens),
                Err((status, error)) => {
                    json_answer(status, &json!({"error": error, "error_description": "by the test"}))
                }
            },
            "userinfo" => {
                if seen.authorization.as_deref() != Some("Bearer access-token") {
                    return json_answer(401, &json!({"error": "invalid_token"}));
                }
                let claims = edited(self.script.person.clone(), &mut self.script.userinfo);
                if self.script.signs_userinfo {
                    return fault::answer(StatusCode::OK, "application/jwt", &self.userinfo_token(claims));
                }
                json_answer(200, &claims)
            }
            _ => redirect(&Self::leave(seen)),
        }
    }

    fn discovery(&mut self) -> Value {
        let url = |path: &str| format!("{}{path}", self.url);
        let document = json!({
            "issuer": self.url,
            "authorization_endpoint": url("/authorize"),
            "token_endpoint": url("/token"),
            "userinfo_endpoint": url("/me"),
            "jwks_uri": url("/jwks"),
            "end_session_endpoint": url("/end"),
            "response_types_supported": ["code", "code id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
            "authorization_response_iss_parameter_supported": true,
        });
        edited(document, &mut self.script.discovery)
    }

    fn key_set(&mut self) -> Value {
        let keys: Vec<_> = self.script.published.iter().map(super::SigningKey::jwk).collect();
        edited(json!({ "keys": keys }), &mut self.script.keys)
    }

    /// Everybody is signed in at once.
    fn authorize(&mut self, seen: &Seen) -> String {
        let code = self.draw("code");
        let mut parameters = vec![("code".to_owned(), code.clone())];
        parameters.extend(seen.get("state").map(|state| ("state".to_owned(), state.to_owned())));
        parameters.push(("iss".to_owned(), self.url.clone()));
        if let Some(edit) = &mut self.script.callback {
            edit(&mut parameters);
        }
        self.codes.insert(code, Grant { parameters: seen.parameters.clone() });
        format!("{}?{}", seen.get("redirect_uri").unwrap_or_default(), form::write(&parameters))
    }

    fn leave(seen: &Seen) -> String {
        let back = seen.get("post_logout_redirect_uri").unwrap_or_default();
        seen.get("state").map_or_else(|| back.to_owned(), |state| format!("{back}?state={}", form::encode(state)))
    }

    fn tokens(&mut self, seen: &Seen) -> Result<Value, Refused> {
        authenticated(seen)?;
        let (scope, nonce, code) = match seen.get("grant_type") {
            Some("authorization_code") => {
                let code = seen.get("code").unwrap_or_default();
                let grant = self.codes.remove(code).ok_or((400, "invalid_grant"))?;
                let asked = |name| form::get(&grant.parameters, name).map(ToOwned::to_owned);
                let verifier = seen.get("code_verifier").unwrap_or_default();
                let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
                let plain = asked("code_challenge_method").as_deref() == Some("plain");
                let proof = if plain { verifier.to_owned() } else { hashed };
                // As LinkedIn: who sent no challenge must not show a verifier.
                let proof = seen.get("code_verifier").map(|_| proof);
                if asked("code_challenge") != proof || asked("redirect_uri").as_deref() != seen.get("redirect_uri") {
                    return Err((400, "invalid_grant"));
                }
                (asked("scope").unwrap_or_default(), asked("nonce"), Some(code.to_owned()))
            }
            Some("refresh_token") => {
                if self.refresh_token.is_none() || seen.get("refresh_token") != self.refresh_token.as_deref() {
                    return Err((400, "invalid_grant"));
                }
                let scope = if self.script.renews_id_token { "openid offline_access" } else { "offline_access" };
                (scope.to_owned(), None, None)
            }
            _ => return Err((400, "unsupported_grant_type")),
        };
        let mut answer =
            json!({"access_token": "access-token", "token_type": "Bearer", "expires_in": 600, "scope": scope});
        let asks = |name: &str| scope.split(' ').any(|part| part == name);
        if asks("offline_access") {
            let token = self.draw("refresh-token");
            answer["refresh_token"] = json!(token);
            self.refresh_token = Some(token);
        }
        if asks("openid") {
            answer["id_token"] = json!(self.id_token(nonce, code.as_deref()));
        }
        Ok(edited(answer, &mut self.script.tokens))
    }

    /// What the userinfo endpoint says, signed (OpenID Connect Core 1.0, section 5.3.2).
    fn userinfo_token(&mut self, mut claims: Value) -> String {
        claims["iss"] = json!(self.url);
        claims["aud"] = json!(CLIENT_ID);
        let header = json!({"alg": self.script.algorithm, "kid": self.script.signs.id});
        let mut token = Token::new(header, claims, self.script.signs.clone());
        if let Some(edit) = &mut self.script.userinfo_token {
            edit(&mut token);
        }
        token.compact()
    }

    fn id_token(&mut self, nonce: Option<String>, code: Option<&str>) -> String {
        let now = now();
        let header = json!({"alg": self.script.algorithm, "kid": self.script.signs.id});
        let mut claims = json!({
            "iss": self.url, "sub": self.script.person["sub"], "aud": CLIENT_ID, "iat": now, "exp": now + 600, "sid": SESSION,
            "at_hash": half_hash("access-token"),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(code) = code {
            claims["c_hash"] = json!(half_hash(code));
        }
        let mut token = Token::new(header, claims, self.script.signs.clone());
        if let Some(edit) = &mut self.script.id_token {
            edit(&mut token);
        }
        token.compact()
    }
}

/// Half of a SHA-256 hash, as `at_hash` and `c_hash` have it for algorithms on 256 bits.
fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16])
}

/// Whether it is our client: by its secret in the header or in the form, or by its key.
fn authenticated(seen: &Seen) -> Result<(), Refused> {
    let basic = format!("{}:{}", form::encode(CLIENT_ID), form::encode(CLIENT_SECRET));
    let by_header =
        seen.authorization.as_deref().and_then(|header| header.strip_prefix("Basic ")).is_some_and(|header| {
            let shown =
                STANDARD.decode(header).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
            // Encoded as in a form: spaces may be `+`.
            shown.split_once(':').map(|(id, secret)| format!("{}:{}", form::decode(id), form::decode(secret)))
                == basic.split_once(':').map(|(id, secret)| format!("{}:{}", form::decode(id), form::decode(secret)))
        });
    let ours = seen.get("client_id") == Some(CLIENT_ID);
    let by_form = ours && seen.get("client_secret") == Some(CLIENT_SECRET);
    let by_key = ours && seen.get("client_assertion").is_some();
    if by_header || by_form || by_key { Ok(()) } else { Err((401, "invalid_client")) }
}
