//! GraphQL beyond what was recorded: records, the schema as tools ask for it, and limits.

use anyhow::ensure;
use e2e::{
    calls::{self, ADMIN, sign_in},
    client::{Client, Request, Response},
    server::TestServer,
};
use serde_json::{Value, json};

e2e::suite! {
    records_are_made_found_changed_and_deleted,
    a_tool_can_ask_for_the_whole_schema_unless_it_is_kept,
    several_operations_are_answered_in_their_order,
    what_asks_for_too_much_is_refused,
    limits_are_shared_through_the_database,
}

/// `GraphiQL`'s query for the whole schema, without descriptions.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name }
    subscriptionType { name } types { ...FullType } directives { name locations args { ...InputValue } } } }
    fragment FullType on __Type { kind name fields(includeDeprecated: true) { name args { ...InputValue } type { ...TypeRef }
    isDeprecated deprecationReason } inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Asks on behalf of a bearer of `token`, or of nobody.
async fn ask(client: &mut Client, token: &str, query: &str, variables: Value) -> anyhow::Result<Response> {
    let body = json!({ "query": query, "variables": variables });
    let request = Request::new("POST", "/graphql/system").json(&body);
    let request = if token.is_empty() { request } else { request.header("Authorization", &format!("Bearer {token}")) };
    client.send(&request).await
}

/// The data of an answer that has no errors.
async fn data(client: &mut Client, token: &str, query: &str, variables: Value) -> anyhow::Result<Value> {
    let answer = ask(client, token, query, variables).await?;
    let body = answer.json()?;
    ensure!(answer.status == 200 && body.get("errors").is_none(), "{} {}", answer.status, answer.text());
    Ok(body["data"].clone())
}

async fn records_are_made_found_changed_and_deleted() -> anyhow::Result<()> {
    let server = TestServer::seeded(&calls::quick(&[])).await?;
    let mut client = Client::new(server.address);
    let token = sign_in(&mut client, ADMIN).await?.access;
    let create = "mutation($data: create_directus_users_input!) { create_users_item(data: $data) { id email role { id name } } }";
    let role = "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6";
    let person = json!({ "data": { "email": "new@example.com", "password": "New-password1", "role": { "id": role } } });
    let made = data(&mut client, &token, create, person).await?;
    let made = &made["create_users_item"];
    ensure!(made["email"] == "new@example.com" && made["role"]["name"] == "Editor", "{made}");

    let id = made["id"].clone();
    let list =
        "query($f: directus_users_filter) { users(filter: $f, limit: 2, sort: [\"-email\"]) { id email first_name } }";
    let filter = json!({ "f": { "email": { "_eq": "new@example.com" } } });
    let found = data(&mut client, &token, list, filter.clone()).await?;
    ensure!(found == json!({ "users": [{ "id": id, "email": "new@example.com", "first_name": null }] }), "{found}");

    let update = "mutation($id: ID!) { update_users_item(id: $id, data: { first_name: \"N\" }) { first_name } }";
    let changed = data(&mut client, &token, update, json!({ "id": id })).await?;
    ensure!(changed == json!({ "update_users_item": { "first_name": "N" } }), "{changed}");
    let one = "query($id: ID!) { users_by_id(id: $id) { first_name policies { id } } }";
    let read = data(&mut client, &token, one, json!({ "id": id })).await?;
    ensure!(read == json!({ "users_by_id": { "first_name": "N", "policies": [] } }), "{read}");

    let delete = "mutation($id: ID!) { delete_users_item(id: $id) { id } }";
    let gone = data(&mut client, &token, delete, json!({ "id": id })).await?;
    ensure!(gone == json!({ "delete_users_item": { "id": id } }), "{gone}");
    ensure!(data(&mut client, &token, list, filter).await? == json!({ "users": [] }));

    let roles =
        data(&mut client, &token, "{ roles(sort: \"name\") { name } settings { project_name } }", json!({})).await?;
    ensure!(roles["roles"][0]["name"] == "Administrator" && roles["settings"]["project_name"] == "Directus", "{roles}");
    // A list that cannot be had leaves nothing of the answer, and says why.
    let refused =
        ask(&mut client, &token, "{ server_ping users(filter: { nope: { _eq: 1 } }) { id } }", json!({})).await?;
    let body = refused.json()?;
    ensure!(
        refused.status == 200 && body.get("data").is_none() && body["errors"][0]["path"] == json!(["users"]),
        "{body}"
    );
    Ok(())
}

async fn a_tool_can_ask_for_the_whole_schema_unless_it_is_kept() -> anyhow::Result<()> {
    let server = TestServer::seeded(&calls::quick(&[])).await?;
    let mut client = Client::new(server.address);
    let token = sign_in(&mut client, ADMIN).await?.access;
    let (all, some) = (
        data(&mut client, &token, INTROSPECTION, json!({})).await?.to_string(),
        data(&mut client, "", INTROSPECTION, json!({})).await?.to_string(),
    );
    ensure!(all.contains("\"delete_users_items\"") && some.contains("\"auth_login\""), "{some}");
    ensure!(!some.contains("\"delete_users_items\"") && !some.contains("create_directus_users_input"), "{some}");

    let server = TestServer::seeded(&[("GRAPHQL_INTROSPECTION", "false")]).await?;
    let refused = ask(&mut Client::new(server.address), "", INTROSPECTION, json!({})).await?;
    calls::refused(&refused, 400, "GRAPHQL_VALIDATION")?;
    ensure!(refused.text().contains("introspection has been disabled"), "{}", refused.text());
    Ok(())
}

async fn several_operations_are_answered_in_their_order() -> anyhow::Result<()> {
    let server = TestServer::seeded(&calls::quick(&[])).await?;
    let mut client = Client::new(server.address);
    let token = sign_in(&mut client, ADMIN).await?.access;
    let query = "query($deep: Boolean!) { z: server_ping users_me { email ...Role @include(if: $deep) } a: server_ping
        server_info { rateLimit { points } version } } fragment Role on directus_users { role { name } __typename }";
    let answer = ask(&mut client, &token, query, json!({ "deep": true })).await?;
    let expected = r#"{"data":{"z":"pong","users_me":{"email":"admin@example.com","role":{"name":"Administrator"},"__typename":"directus_users"},"a":"pong","server_info":{"rateLimit":null,"version":""#;
    ensure!(answer.text().starts_with(expected), "{}", answer.text());
    let shallow = data(&mut client, &token, query, json!({ "deep": false })).await?;
    ensure!(shallow["users_me"] == json!({ "email": "admin@example.com" }), "{shallow}");
    let get = Request::new(
        "GET",
        "/graphql/system?query=query(%24d:Boolean!)%7Bserver_ping%20@skip(if:%24d)%20x:server_ping%7D&variables=%7B%22d%22:true%7D",
    );
    let answer = client.send(&get).await?;
    ensure!(answer.text() == r#"{"data":{"x":"pong"}}"#, "{}", answer.text());
    Ok(())
}

async fn what_asks_for_too_much_is_refused() -> anyhow::Result<()> {
    let server = TestServer::seeded(&[]).await?;
    let mut client = Client::new(server.address);
    let nested = format!("{{{}server_ping{}}}", "a{".repeat(5000), "}".repeat(5000));
    let doubling: Vec<_> =
        (0..40).map(|level| format!("fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1)).collect();
    let doubling = format!("{{ ...F0 }} {} fragment F40 on Query {{ server_ping }}", doubling.join(" "));
    let many = format!("{{{}}}", (0..30).map(|number| format!("p{number}: server_ping")).collect::<Vec<_>>().join(" "));
    for query in [nested, doubling, many, format!("{{{}}}", "server_ping ".repeat(6000))] {
        let started = std::time::Instant::now();
        calls::refused(&ask(&mut client, "", &query, json!({})).await?, 400, "GRAPHQL_VALIDATION")?;
        ensure!(started.elapsed().as_secs() < 2, "took {:?}", started.elapsed());
    }
    Ok(())
}

async fn limits_are_shared_through_the_database() -> anyhow::Result<()> {
    let limits = [
        ("RATE_LIMITER_ENABLED", "true"),
        ("RATE_LIMITER_POINTS", "3"),
        ("RATE_LIMITER_DURATION", "600"),
        ("RATE_LIMITER_STORE", "database"),
    ];
    let first = TestServer::seeded(&limits).await?;
    let second = TestServer::start_in(first.data.clone(), &limits).await?;
    let mut statuses = Vec::new();
    for server in [&first, &second, &first, &second, &first] {
        statuses.push(Client::new(server.address).send(&Request::new("GET", "/server/ping")).await?.status);
    }
    ensure!(statuses == [200, 200, 200, 429, 429], "{statuses:?}");
    Ok(())
}
