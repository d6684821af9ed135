// A sign-in driver for providers that speak plain OAuth 2.0: the person signs in at the provider's own pages, and its
// profile says who that is. A driver keeps no state; what it needs of a beginning at the end is its `memory`.
import { get } from "gatewit:config/settings@0.1.0";

const setting = (name, kind, secret, help) => ({ name, kind, required: true, secret, help });

export const about = {
  describe: () => ({
    name: "profile",
    fields: [],
    settings: [
      setting("client-id", "text", false, "the name that the provider gave us"),
      setting("client-secret", "text", true, "the secret that goes with it"),
      setting("authorize-url", "url", false, "the address where people sign in"),
      setting("token-url", "url", false, "the address that takes a code and gives a token"),
      setting("profile-url", "url", false, "the address that takes a token and says who that is"),
    ],
  }),
};

export const redirect = {
  // Where to send the browser. The verifier proves at the end that it is us who began (PKCE, RFC 7636).
  async begin({ callback, state }) {
    const url = new URL(read("authorize-url"));
    const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const query = {
      response_type: "code",
      client_id: read("client-id"),
      redirect_uri: callback,
      scope: "openid email",
      state,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return { to: { url: url.href, form: [] }, memory: verifier };
  },

  // Which beginning an answer claims to belong to. Gatewit checks that; nothing else is believed yet.
  recall: (parameters) => ({ state: only(parameters, "state") }),

  // Who came back.
  async finish({ callback, parameters, memory }) {
    const [id, secret, token, profile] = ["client-id", "client-secret", "token-url", "profile-url"].map(read);
    if (only(parameters, "error")) refuse("refused", "the provider says no");
    const code = only(parameters, "code");
    if (!code || code.length > 2000) refuse("refused", "the answer has no code, or more than one, or no real one");
    if (memory?.length !== 43) refuse("expired", "this is not the memory of a beginning");
    const grant = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: memory };
    const authorization = `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
    const { access_token } = await ask(token, { method: "POST", body: new URLSearchParams(grant), headers: { authorization } });
    if (!access_token) refuse("unavailable", "the provider gave no token");
    const claims = await ask(profile, { headers: { authorization: `Bearer ${access_token}` } });
    const identifier = claims.sub ?? claims.id;
    if (!identifier) refuse("unavailable", "the profile names nobody");
    return {
      subject: { tag: "identifier", val: String(identifier) },
      email: claims.email,
      emailVerified: claims.email_verified === true,
      givenName: claims.given_name,
      familyName: claims.family_name,
      groups: [],
      claims: JSON.stringify(claims),
    };
  },
};

// A refusal of the contract. Its text goes to the operator's log: no codes, tokens or secrets.
function refuse(tag, val) {
  throw { tag, val };
}

function read(name) {
  return get(name)?.val || refuse("misconfigured", `\`${name}\` is not set`);
}

// The value of a parameter that is there exactly once.
function only(parameters, name) {
  const found = parameters.filter((parameter) => parameter.name === name);
  return found.length === 1 ? found[0].value : undefined;
}

async function ask(url, options) {
  const answer = await attempt(() => fetch(url, options), "the provider does not answer");
  if (answer.status >= 400 && answer.status < 500) refuse("refused", `the provider answers ${answer.status}`);
  if (!answer.ok) refuse("unavailable", `the provider answers ${answer.status}`);
  return attempt(() => answer.json(), "the provider's answer is no JSON");
}

async function attempt(work, otherwise) {
  try {
    return await work();
  } catch {
    refuse("unavailable", otherwise);
  }
}

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
